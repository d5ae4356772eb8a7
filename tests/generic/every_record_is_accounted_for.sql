{#-
  Conservation, per file: the records counted when the file was read are the clean rows, the duplicates and the
  quarantined records that came from it, each counted from its own table, and those of people who were forgotten;
  file_loads says the same numbers; and every quarantined record gives reasons, which the vocabulary knows and
  int_reasons_counted has counted.

  Looks at the files whose records came, went or changed their verdict since the feed last passed its tests; at all
  with the var `audit: full`. Of many records the clean rows are counted as accepted records less
  duplicates, which spares the join that sets the contested keys apart. file_loads and int_reasons_counted are compared
  when this run has built them.

  Args:
    feed (string): the feed, whose entity the test stands on.
  Returns: one row per file that does not add up, with the counts and failure_reason.
-#}
{% test every_record_is_accounted_for(model, feed) %}
  {%- set compares_ledger = not execute or flags.WHICH != 'build' or 'model.' ~ project_name ~ '.file_loads' in selected_resources %}
  {%- set compares_reasons = not execute or flags.WHICH != 'build' or 'model.' ~ project_name ~ '.int_reasons_counted' in selected_resources %}
  {%- set load_ids = unaudited_loads(feed) or 'null' %}
  {%- set extent = audit_extent(feed) %}
  {%- set is_large = extent != 'everything' and accepted_record_count(feed, load_ids) > 1000000 %}
  {%- set accepted = accepted_records(feed) %}
  {%- set contested = contested_records(feed) %}
  {%- set within = (' false' if is_audited(feed) else ' _load_id in (' ~ load_ids ~ ')') if extent == 'changes' %}
  -- depends_on: {{ ref('file_loads') }}
  -- depends_on: {{ ref('int_reasons_counted') }}
  with loads as (
    select
      load_id,
      file,
      records_read,
      coalesce(forgotten_count, 0) as forgotten_count
    from state.loads
    where load_id in ({{ load_ids }})
  ),

  clean as (
    {%- if is_large %}
    select _load_id as load_id, sum(sign) as record_count
    from (
      select _load_id, count(*) as sign from {{ accepted }} {{ 'where' ~ within if within }} group by _load_id
      union all
      select _load_id, -count(*) as sign from {{ contested }} where _rank > 1 {{ 'and' ~ within if within }} group by _load_id
    )
    {%- else %}
    select _load_id as load_id, count(*) as record_count
    from {{ model }}
    {{ 'where' ~ within if within }}
    {%- endif %}
    group by _load_id
  ),

  duplicates as (
    select _load_id as load_id, count(*) as record_count
    from {{ contested }}
    where _rank > 1 {{ 'and' ~ within if within }}
    group by _load_id
  ),

  rejected as materialized (
    select _load_id as load_id, reject_reasons
    from ({{ quarantined_records(feed) }}) as records
    {{ 'where' ~ within if within }}
  ),

  quarantined as (
    select load_id, count(*) as record_count, count(reject_reasons[1]) as explained_count
    from rejected
    group by load_id
  ),

  reasons as (
    select load_id, reject_reason, count(*) as record_count
    from (select load_id, unnest(reject_reasons) as reject_reason from rejected)
    group by load_id, reject_reason
  ),

  unknown_reasons as (
    select load_id, min(reject_reason) as reject_reason
    from reasons
    where reject_reason not in (select reject_reason from {{ ref('reject_reasons') }})
    group by load_id
  ),

  {%- if compares_reasons %}

  counted_reasons as (
    select load_id, reject_reason, record_count
    from {{ ref('int_reasons_counted') }}
    where record_count > 0 and load_id in (select load_id from loads)
  ),

  miscounted_reasons as (
    select load_id, min(reject_reason) as reject_reason
    from (
      select
        coalesce(reasons.load_id, counted_reasons.load_id) as load_id,
        coalesce(reasons.reject_reason, counted_reasons.reject_reason) as reject_reason
      from reasons
      full join counted_reasons
        on reasons.load_id = counted_reasons.load_id and reasons.reject_reason = counted_reasons.reject_reason
      where reasons.record_count is distinct from counted_reasons.record_count
    )
    {%- if entity(feed).reference %}
    where reject_reason != '{{ entity(feed).reference.reason }}'
    {%- endif %}
    group by load_id
  ),
  {%- endif %}

  {%- if compares_ledger %}

  ledger as (
    select load_id, records_read, clean_count, duplicate_count, quarantined_count
    from {{ ref('file_loads') }}
    where records_read is not null
  ),
  {%- endif %}

  recounted as (
    select
      loads.load_id,
      loads.file,
      loads.records_read,
      loads.forgotten_count,
      coalesce(clean.record_count, 0) as clean_count,
      coalesce(duplicates.record_count, 0) as duplicate_count,
      coalesce(quarantined.record_count, 0) as quarantined_count,
      coalesce(quarantined.explained_count, 0) as explained_count,
      unknown_reasons.reject_reason as unknown_reason
      {%- if compares_reasons %},
      miscounted_reasons.reject_reason as miscounted_reason
      {%- endif %}
    from loads
    left join clean on loads.load_id = clean.load_id
    left join duplicates on loads.load_id = duplicates.load_id
    left join quarantined on loads.load_id = quarantined.load_id
    left join unknown_reasons on loads.load_id = unknown_reasons.load_id
    {%- if compares_reasons %}
    left join miscounted_reasons on loads.load_id = miscounted_reasons.load_id
    {%- endif %}
  ),

  judged as (
    select
      recounted.*,
      case
        when recounted.clean_count + recounted.duplicate_count + recounted.quarantined_count + recounted.forgotten_count != recounted.records_read
          then recounted.records_read || ' records were read, but ' || recounted.clean_count || ' are clean, '
            || recounted.duplicate_count || ' duplicates, ' || recounted.quarantined_count || ' quarantined and '
            || recounted.forgotten_count || ' forgotten'
        when recounted.explained_count != recounted.quarantined_count then 'a quarantined record gives no reason'
        when recounted.unknown_reason is not null
          then 'the reason ' || recounted.unknown_reason || ' is not in seeds/reject_reasons.csv'
        {%- if compares_reasons %}
        when recounted.miscounted_reason is not null
          then 'int_reasons_counted does not say how often ' || recounted.miscounted_reason || ' occurs'
        {%- endif %}
        {%- if compares_ledger %}
        when ledger.load_id is null then 'file_loads has no current line for this load'
        when
          ledger.records_read != recounted.records_read
          or ledger.clean_count != recounted.clean_count
          or ledger.duplicate_count != recounted.duplicate_count
          or ledger.quarantined_count != recounted.quarantined_count
          then 'file_loads says ' || ledger.records_read || ' read, ' || ledger.clean_count || ' clean, '
            || ledger.duplicate_count || ' duplicates, ' || ledger.quarantined_count || ' quarantined'
        {%- endif %}
      end as failure_reason
    from recounted
    {%- if compares_ledger %}
    left join ledger on recounted.load_id = ledger.load_id
    {%- endif %}
  )

  select * from judged where failure_reason is not null
{% endtest %}
