{#-
  What a staging model reads: the records of the files that are new to this build (open_landing made the view), or,
  in a unit test, the rows given for the source.

  Args:
    landing (Relation): the source of the feed; naming it here is what draws the lineage.
  Returns: a table expression.
-#}
{% macro landing_records(landing) -%}
  {{ return(landing if landing.is_cte else 'landing_records') }}
{%- endmacro %}
