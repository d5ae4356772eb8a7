{{ config(materialized='rollup', tags=['reports'], meta={'sums': ['null_count']}) }}

with int_nulls_counted as (
  {%- for feed in feeds() %}
  {{ nulls_per_column(feed, ref(feed)) | indent(2) }}
  {{ 'union all' if not loop.last }}
  {%- endfor %}
)

select * from int_nulls_counted
