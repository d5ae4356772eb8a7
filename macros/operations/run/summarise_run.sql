{#-
  The last lines of `dbt build` and `dbt run`, for people: what was read of each feed and what became of it, alerts that are
  new, and where it was published. They hold no value of any record.

  Args:
    results (list of RunResult): the results of the run.
    delivered (list of strings): the feeds that were delivered; none where nothing was to be.
-#}
{% macro summarise_run(results, delivered=none) -%}
  {{ return(adapter.dispatch('summarise_run')(results, delivered)) }}
{%- endmacro %}

{% macro default__summarise_run(results, delivered) -%}
  {{ exceptions.raise_compiler_error('summarise_run is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__summarise_run(results, delivered) -%}
  {%- set built = results | selectattr('status', 'equalto', 'success') | map(attribute='node.name') | list -%}
  {%- set read = run_query(duckdb__read_per_feed_sql(built)).rows -%}
  {%- do log('', info=true) -%}
  {%- if not read -%}
    {%- do log('Nothing new was delivered.', info=true) -%}
  {%- endif -%}
  {%- for feed, file_count, failed_count, read_count, clean_count, duplicate_count, rejected_count, forgotten_count, reason, reason_count in read -%}
    {%- set became = [thousands(clean_count) ~ ' clean', thousands(duplicate_count) ~ ' duplicates'] -%}
    {%- set most = ' (most often ' ~ reason ~ ', ' ~ thousands(reason_count) ~ ')' if reason else '' -%}
    {%- do became.append(thousands(rejected_count) ~ ' rejected' ~ most) -%}
    {%- if forgotten_count -%}{%- do became.append(thousands(forgotten_count) ~ ' forgotten') -%}{%- endif -%}
    {%- set failed = '; ' ~ thousands(failed_count) ~ ' could not be loaded' if failed_count else '' -%}
    {%- do log(
      feed ~ ': ' ~ thousands(file_count) ~ ' files, ' ~ thousands(read_count) ~ ' records read = ' ~ became | join(' + ') ~ failed, info=true
    ) -%}
    {%- if rejected_count * 2 > read_count -%}
      {%- do log(
        '!!! ' ~ feed ~ ': MORE THAN HALF OF THE NEW RECORDS WERE REJECTED (' ~ thousands(rejected_count) ~ ' of ' ~ thousands(read_count)
        ~ '). The table quarantine of operations.db has each with its reasons and raw text.', info=true
      ) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if 'alerts' in built -%}
    {%- do duckdb__show_new_alerts() -%}
  {%- endif -%}
  {%- if delivered is none -%}
    {%- do log('Nothing was published: ' ~ ('--empty reads no records.' if flags.EMPTY else 'dbt ' ~ flags.WHICH ~ ' does not publish. dbt build tests and publishes.'), info=true) -%}
  {%- else -%}
    {%- set held = (var('touched_feeds') or feeds()) | reject('in', delivered) | list -%}
    {%- if held -%}
      {%- do log(
        'Not published: ' ~ held | join(', ') ~ '. A test or a model failed, or was not selected; their tables stay as they were. dbt build publishes them.', info=true
      ) -%}
    {%- endif -%}
    {%- if delivered -%}
      {%- do log('Published in ' ~ run_query('select sluice_published_folder()').rows[0][0] ~ ' (scripts/serve shows it).', info=true) -%}
    {%- endif -%}
  {%- endif -%}
{%- endmacro %}

{#- A whole number with a comma between thousands. -#}
{% macro thousands(number) -%}
  {{ return('{:,}'.format(number | int)) }}
{%- endmacro %}

{#-
  What this run read, per feed. Counts of clean records and duplicates need file_loads; without it, accepted records are
  shown as clean.
-#}
{% macro duckdb__read_per_feed_sql(built) -%}
  {%- set has_ledger = 'file_loads' in built -%}
  with loads as (
    select * from state.loads where run_id = '{{ invocation_id }}'
  ),

  judged as (
    {%- if has_ledger %}
    select load_id, clean_count, duplicate_count, quarantined_count as rejected_count from {{ relation_of('file_loads') }}
    {%- else %}
    select load_id, accepted_count as clean_count, 0 as duplicate_count, rejected_count from loads
    {%- endif %}
  ),

  reasons as (
    {%- if has_ledger and 'int_reasons_counted' in built %}
    select load_id, reject_reason, record_count from {{ relation_of('int_reasons_counted') }} where record_count > 0
    {%- for feed in feeds() if entity(feed).reference and feed in built %}
    union all
    select _load_id, '{{ entity(feed).reference.reason }}', count(*)
    from state.waiting_{{ feed }}
    group by _load_id
    {%- endfor %}
    {%- else %}
    select cast(null as integer) as load_id, cast(null as varchar) as reject_reason, cast(null as bigint) as record_count where false
    {%- endif %}
  ),

  counted as (
    select feed, reject_reason, sum(record_count) as record_count
    from reasons
    inner join loads on reasons.load_id = loads.load_id
    group by feed, reject_reason
  ),

  commonest as (
    select feed, arg_max(reject_reason, (record_count, reject_reason)) as reject_reason, max(record_count) as record_count
    from counted
    group by feed
  )

  select
    loads.feed,
    count(*) filter (where loads.error is null) as file_count,
    count(*) filter (where loads.error is not null) as failed_count,
    coalesce(sum(loads.records_read) filter (where loads.error is null), 0) as read_count,
    coalesce(sum(judged.clean_count), 0) as clean_count,
    coalesce(sum(judged.duplicate_count), 0) as duplicate_count,
    coalesce(sum(judged.rejected_count), 0) as rejected_count,
    coalesce(sum(loads.forgotten_count) filter (where loads.error is null), 0) as forgotten_count,
    any_value(commonest.reject_reason) as reject_reason,
    any_value(commonest.record_count) as reason_count
  from loads
  left join judged on loads.load_id = judged.load_id
  left join commonest on loads.feed = commonest.feed
  group by loads.feed
  order by loads.feed
{%- endmacro %}

{#- The alerts that this run has and no run before it had: how many of each severity, and the gravest by name. -#}
{% macro duckdb__show_new_alerts() -%}
  {%- set new_alerts = run_query(
    "select severity, ingest_date, feed, alert, message from " ~ relation_of('alerts') ~ " where first_seen_at = cast('"
    ~ run_started_at.strftime('%Y-%m-%d %H:%M:%S.%f') ~ "' as timestamp)"
    ~ " order by case severity when 'critical' then 0 when 'warning' then 1 else 2 end, ingest_date desc, feed, alert, message"
  ).rows -%}
  {%- if new_alerts -%}
    {%- set counts = [] -%}
    {%- for severity in ('critical', 'warning', 'info') -%}
      {%- set count = new_alerts | selectattr(0, 'equalto', severity) | list | length -%}
      {%- if count -%}{%- do counts.append(thousands(count) ~ ' ' ~ severity) -%}{%- endif -%}
    {%- endfor -%}
    {%- do log('New alerts: ' ~ counts | join(', ') ~ ' (scripts/status --alerts lists all that stand).', info=true) -%}
    {%- for severity, ingest_date, feed, alert, message in (new_alerts | rejectattr(0, 'equalto', 'info') | list)[:5] -%}
      {%- do log('  ' ~ severity ~ ': ' ~ feed ~ ', ' ~ ingest_date ~ ', ' ~ alert ~ ': ' ~ message, info=true) -%}
    {%- endfor -%}
  {%- endif -%}
{%- endmacro %}
