{#-
  What a staging model reads: the records of the files that are new to this build (open_landing made the view), or,
  in a unit test, the rows given for the source, which may leave out _extra, _fault, _raw_text, _is_tied,
  _date_order and _decimal.

  Args:
    landing (Relation): the source of the feed; naming it here is what draws the lineage.
  Returns: a table expression.
-#}
{% macro landing_records(landing) -%}
  {%- if not landing.is_cte -%}
    {{ return('landing_records') }}
  {%- endif -%}
  (
    select * from {{ landing }}
    union all by name
    select
      cast(null as json) as _extra, cast(null as varchar) as _fault, cast(null as varchar) as _raw_text, false as _is_tied,
      cast(null as varchar) as _date_order, cast(null as varchar) as _decimal
    where false
  )
{%- endmacro %}
