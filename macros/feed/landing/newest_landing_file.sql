{#- When the newest landing file of a feed was changed, for `dbt source freshness`. Returns: a SQL query, one row. -#}
{% macro newest_landing_file(feed) -%}
  select coalesce(max(make_timestamp(modified_ns // 1000)), timestamp '1970-01-01') as loaded_at
  from ({{ landing_files(feed) }})
{%- endmacro %}
