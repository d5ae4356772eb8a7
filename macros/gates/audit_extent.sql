{#-
  How much of a feed the data tests of this build look at.

  A test that reads everything on each build costs more than the build; one that reads only the newest change would
  forget a fault as soon as the next change arrives. So tests look at every change since the feed last passed all its
  tests (state.audited, see note_audited), and the var `audit: full` makes them look at everything.

  Args:
    feed (string): the feed.
  Returns: 'everything' (asked for by the var), 'rebuilt' (the entity was made anew since, or its
    changes are no longer logged: tests of large tables take a slice) or 'changes'.
  Errors: a value of the var other than null and full stops compilation.
-#}
{% macro audit_extent(feed) -%}
  {%- if var('audit', none) not in (none, 'full') -%}
    {{ exceptions.raise_compiler_error("var audit is '" ~ var('audit') ~ "'; use 'full' or leave it out") }}
  {%- endif -%}
  {%- if not execute or var('audit', none) == 'full' -%}
    {{ return('everything') }}
  {%- endif -%}
  {{ return('rebuilt' if asked_once(unaudited_changes(feed))[0][0] else 'changes') }}
{%- endmacro %}

{#-
  Whether nothing of a feed changed since it last passed all its tests: then no scan is needed to find nothing.

  Args:
    feed (string): the feed.
  Returns: a boolean.
-#}
{% macro is_audited(feed) -%}
  {{ return(audit_extent(feed) == 'changes' and not asked_once(unaudited_changes(feed))[0][1]) }}
{%- endmacro %}

{#- Whether a feed was made anew, and whether it changed at all, since it last passed all its tests. -#}
{% macro unaudited_changes(feed) -%}
  select
    exists (select 1 from state.batches where feed = '{{ feed }}' and is_full and batch_id > {{ audited_batch(feed) }})
    or exists (select 1 from state.forgotten where feed = '{{ feed }}' and batch_id > {{ audited_batch(feed) }}),
    exists (select 1 from state.batches where feed = '{{ feed }}' and batch_id > {{ audited_batch(feed) }})
{%- endmacro %}

{#- The number of the feed's last change that passed all its tests, as a SQL expression (0: none). -#}
{% macro audited_batch(feed) -%}
  (select coalesce(max(batch_id), 0) from state.audited where feed = '{{ feed }}')
{%- endmacro %}
