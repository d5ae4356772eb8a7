{#-
  Rollups with sums: the model's SQL over the rows that came, minus the same over the rows that went, is added to the table.
  Nothing else is read: of the table itself the rows of those keys, between the first and the last changed value of an
  instant or a date in the key, which then is never null.

  Of several feeds the model has a column `feed`; rows of one that was made anew are deleted, and all of it is added.

  Args:
    logs (mapping): see rollup_news.
  Leaves behind: the temporary tables added_sums and sums_now.
  Returns: SQL statements.
-#}
{% macro duckdb__follow_sums(logs) -%}
  {%- set sums = config.get('meta').sums -%}
  {%- set columns = adapter.get_columns_in_relation(this) -%}
  {%- set key = columns | map(attribute='name') | reject('in', sums) | list -%}
  {%- set came, went = {}, {} -%}
  {%- for feed, news in logs.items() -%}
    {%- set relation = graph.nodes['model.' ~ project_name ~ '.' ~ feed].relation_name -%}
    {%- set changed = '(select * from state.changed_' ~ feed ~ ' where batch_id > ' ~ news.since ~ ' and sign ' -%}
    {%- do came.update({feed: relation if news.is_full else changed ~ '> 0)'}) -%}
    {%- do went.update({feed: '(select * from ' ~ relation ~ ' where false)' if news.is_full else changed ~ '< 0)'}) -%}
  {%- endfor -%}
  {%- do run_statements(duckdb__added_sums_sql(key, sums, came, went)) -%}
  {%- set within = duckdb__within_sums(columns, key) -%}
  {%- set same_key = [] -%}
  {%- for column in key -%}{%- do same_key.append('added.' ~ column ~ ' is not distinct from present.' ~ column) -%}{%- endfor -%}
  {%- set same_key = same_key | join(' and ') -%}
  {%- for feed, news in logs.items() if news.is_full %}
  delete from {{ this }} where feed = '{{ feed }}';
  {%- endfor %}

  create or replace temp table sums_now as
  select {{ key | join(', ') }}{% for column in sums %}, sum({{ column }}) as {{ column }}{% endfor %}
  from (
    select * from added_sums
    union all by name
    select * from {{ this }} as present
    where {{ within }} and exists (select 1 from added_sums as added where {{ same_key }})
  )
  group by {{ key | join(', ') }};

  delete from {{ this }} as present
  where {{ within }} and exists (select 1 from sums_now as added where {{ same_key }});

  insert into {{ this }} by name
  select * from sums_now
  where {% for column in sums %}{{ column }} != 0{{ ' or ' if not loop.last }}{% endfor %}
{%- endmacro %}

{#- The statement that makes added_sums. Args: key, sums (lists of columns); came, went (mappings): see reading_parts. -#}
{% macro duckdb__added_sums_sql(key, sums, came, went) -%}
  create or replace temp table added_sums as
  select {{ key | join(', ') }}{% for column in sums %}, {{ column }}{% endfor %}
  from (
    {{ reading_parts(came) }}
  )
  union all
  select {{ key | join(', ') }}{% for column in sums %}, -{{ column }}{% endfor %}
  from (
    {{ reading_parts(went) }}
  )
{%- endmacro %}

{#- The condition, as text, that a present row lies in the time of the added sums; true where no time is in the key. -#}
{% macro duckdb__within_sums(columns, key) -%}
  {%- for column in columns if column.name in key and column.dtype.upper() in ('TIMESTAMP', 'DATE') -%}
    {%- set span = run_query('select min(' ~ column.quoted ~ '), max(' ~ column.quoted ~ ') from added_sums').rows[0] -%}
    {{ return('false' if span[0] is none else
      'present.' ~ column.quoted ~ ' between ' ~ column.dtype ~ " '" ~ span[0] ~ "' and " ~ column.dtype ~ " '" ~ span[1] ~ "'") }}
  {%- endfor -%}
  {{ return('true') }}
{%- endmacro %}
