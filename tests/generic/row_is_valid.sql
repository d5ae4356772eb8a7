{#-
  Every row satisfies every rule, and no two rows share the key. One scan checks all rules of a table.

  Args:
    rules (mapping): rule name -> SQL condition. A condition that is null does not hold, so a column that may be null
      says so.
    key (list of columns): the key, of a table whose rows of one key lie in one of its groups (see rows_to_audit), or that
      is looked at as a whole; for an entity see key_is_unique. None: rows need no key.
    feed (string): the feed the table belongs to, to look only at what changed (see rows_to_audit); none: all rows.
      dbt skips what lies behind all that a failing test reads. A test of a feed reads a seed with nothing behind it as
      well, so that it holds its own feed and lets the models of other feeds be built.
  Returns: the offending rows, which of the rules hold (_holds_1 and so on), and failure_reason, the names of the rules
    they break.
-#}
{% test row_is_valid(model, rules, key=none, feed=none) %}
  {%- if feed %}
  -- depends_on: {{ ref('reject_reasons') }}
  {%- endif %}
  with audited as (
    select *{% if key %}, count(*) over (partition by {{ key | join(', ') }}) as rows_of_key{% endif %}
    from {{ rows_to_audit(model, feed) }}
  ),

  judged as (
    select
      *
      {%- for condition in rules.values() %},
      ({{ condition }}) is true as _holds_{{ loop.index }}
      {%- endfor %}
    from audited
  )

  select
    *,
    concat_ws(', '{% for name in rules %}, case when not _holds_{{ loop.index }} then '{{ name }}' end{% endfor %}
      {%- if key %}, case when rows_of_key > 1 then rows_of_key || ' rows have this key' end{% endif %}) as failure_reason
  from judged
  where
    not (
      {%- for name in rules %}
      _holds_{{ loop.index }}{{ ' and' if not loop.last }}
      {%- endfor %}
    )
    {%- if key %}
    or rows_of_key > 1
    {%- endif %}
{% endtest %}
