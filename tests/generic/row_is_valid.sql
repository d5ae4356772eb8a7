{#-
  Every row satisfies every rule. One scan checks all rules of a table.

  Args:
    rules (mapping): rule name -> SQL condition. A condition that is null does not hold, so a column that may be null
      says so.
    feed (string): the feed the table belongs to, to look only at what changed (see rows_to_audit); none: all rows.
    publishes (Relation): the published model that the feed's tests stand before. Nothing else depends on it, so
      that a failing test holds its own feed and lets the models of other feeds be built.
  Returns: the offending rows and failure_reason, the names of the rules they break.
-#}
{% test row_is_valid(model, rules, feed=none, publishes=none) %}
  -- depends_on: {{ publishes or model }}
  with audited as (
    select * from {{ rows_to_audit(model, feed) }}
  )

  select
    *,
    concat_ws(', '{% for name, condition in rules.items() %}, case when ({{ condition }}) is not true then '{{ name }}' end{% endfor %}) as failure_reason
  from audited
  where
    (
      {%- for condition in rules.values() %}
      ({{ condition }}){{ ' and' if not loop.last }}
      {%- endfor %}
    ) is not true
{% endtest %}
