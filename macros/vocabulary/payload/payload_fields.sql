{#-
  What is read from the payloads of tenants' events: the var `payload_fields`, checked.

  Each entry is a column and
    type         text, amount (DECIMAL(18,4)), number (DOUBLE), integer (BIGINT), boolean or timestamp (UTC)
    since        mapping: schema version (v1, v2, …) -> path, names joined by dots; an event is read by the newest path
                 that is not newer than its own version. Instead of a path, {path, part}: part of a text that a later
                 version splits, first_word or other_words.
    is_personal  true: published only as a hash, unless the event says that it holds nothing personal
    tells_personal  true: this field, a boolean, says whether the event holds personal data. Only `false` itself says that it
                 does not: any other value, a name that stands twice, and a list or text on the way count as true
    absent       of such a field, not_personal: an event without it holds nothing personal. Left out: it does. Where no field
                 tells, personal fields are always hashed.

  Args:
    names (list of strings): which columns; all when left out.
  Returns: a list of mappings {name, type, is_personal, tells_personal, may_be_absent, sources}, sources being mappings
    {since, path, part}, newest first.
  Errors: an unknown name, type or part, or a path of other characters than letters, digits and _, stops compilation.
-#}
{% macro payload_fields(names=none) -%}
  {%- set declared = var('payload_fields') -%}
  {%- set fields = [] -%}
  {%- for name in names or declared -%}
    {%- if name not in declared -%}
      {{ exceptions.raise_compiler_error("payload_fields has no column '" ~ name ~ "'; declare it in dbt_project.yml") }}
    {%- endif -%}
    {%- set field = declared[name] -%}
    {%- do check_payload_type('payload_fields.' ~ name, field.type) -%}
    {%- if field.is_personal and field.type != 'text' -%}
      {{ exceptions.raise_compiler_error('payload_fields.' ~ name ~ ' is personal, and published as a hash: its type must be text') }}
    {%- endif -%}
    {%- if field.tells_personal and field.type != 'boolean' -%}
      {{ exceptions.raise_compiler_error('payload_fields.' ~ name ~ ' says whether an event is personal: its type must be boolean') }}
    {%- endif -%}
    {%- if field.absent and (field.absent != 'not_personal' or not field.tells_personal) -%}
      {{ exceptions.raise_compiler_error('payload_fields.' ~ name ~ ".absent can only be not_personal, of a field that tells_personal") }}
    {%- endif -%}
    {%- do fields.append({
      'name': name,
      'type': field.type,
      'is_personal': field.is_personal or false,
      'tells_personal': field.tells_personal or false,
      'may_be_absent': field.absent == 'not_personal',
      'sources': payload_sources('payload_fields.' ~ name, field.since),
    }) -%}
  {%- endfor -%}
  {{ return(fields) }}
{%- endmacro %}

{#-
  Lists that become child tables, one row per item: the var `payload_arrays`, checked.

  An entry is the name of the list and
    since    as in payload_fields
    columns  mapping: column -> {type, path}; path is the place inside an item, empty for the item itself

  Args:
    name (string): the list.
  Returns: a mapping {sources, columns}, columns being a list of mappings {name, type, path}.
  Errors: as in payload_fields; personal data in a list stops compilation, because it could not be hashed there.
-#}
{% macro payload_array(name) -%}
  {%- set declared = var('payload_arrays') -%}
  {%- if name not in declared -%}
    {{ exceptions.raise_compiler_error("payload_arrays has no list '" ~ name ~ "'; declare it in dbt_project.yml") }}
  {%- endif -%}
  {%- set where = 'payload_arrays.' ~ name -%}
  {%- set columns = [] -%}
  {%- for column, declaration in declared[name].columns.items() -%}
    {%- do check_payload_type(where ~ '.' ~ column, declaration.type) -%}
    {%- if declaration.is_personal -%}
      {{ exceptions.raise_compiler_error(where ~ '.' ~ column ~ ' cannot be is_personal: items of lists are not hashed') }}
    {%- endif -%}
    {%- do columns.append({
      'name': column,
      'type': declaration.type,
      'path': payload_path(where ~ '.' ~ column, declaration.path) if declaration.path else '$',
    }) -%}
  {%- endfor -%}
  {{ return({'sources': payload_sources(where, declared[name].since), 'columns': columns}) }}
{%- endmacro %}

{#- Where a column or list is found, newest schema version first. Args: where (string, for errors), since (mapping). -#}
{% macro payload_sources(where, since) -%}
  {%- set sources = [] -%}
  {%- for version, source in (since or {}).items() -%}
    {%- if not modules.re.fullmatch('v[1-9][0-9]*', version) -%}
      {{ exceptions.raise_compiler_error(where ~ ".since: '" ~ version ~ "' is no schema version; write v1, v2, …") }}
    {%- endif -%}
    {%- set path = source if source is string else source.path -%}
    {%- set part = none if source is string else source.part -%}
    {%- if part not in (none, 'first_word', 'other_words') -%}
      {{ exceptions.raise_compiler_error(where ~ ": part '" ~ part ~ "' is neither first_word nor other_words") }}
    {%- endif -%}
    {%- do sources.append({'since': version[1:] | int, 'path': payload_path(where, path), 'part': part}) -%}
  {%- endfor -%}
  {%- if not sources -%}
    {{ exceptions.raise_compiler_error(where ~ '.since names no schema version') }}
  {%- endif -%}
  {{ return(sources | sort(attribute='since', reverse=true)) }}
{%- endmacro %}

{#- A declared path as a JSON path. Args: where (string, for errors), path (string, names joined by dots). -#}
{% macro payload_path(where, path) -%}
  {%- if not modules.re.fullmatch('[A-Za-z0-9_]+([.][A-Za-z0-9_]+)*', path | string) -%}
    {{ exceptions.raise_compiler_error(where ~ ": '" ~ path ~ "' is no path; write names of letters, digits and _, joined by dots") }}
  {%- endif -%}
  {{ return('$.' ~ path) }}
{%- endmacro %}

{#- Stop compilation at an unknown type of a payload column. Args: where (string, for errors), type (string). -#}
{% macro check_payload_type(where, type) -%}
  {%- if type not in ('text', 'amount', 'number', 'integer', 'boolean', 'timestamp') -%}
    {{ exceptions.raise_compiler_error(where ~ ": type '" ~ type ~ "' is none of text, amount, number, integer, boolean, timestamp") }}
  {%- endif -%}
{%- endmacro %}

{#- A fingerprint of what is read from payloads: when it changes, tenant_events is made anew, and all that follows it. -#}
{% macro payload_declaration() -%}
  {{ return(local_md5(tojson([var('payload_fields'), var('payload_arrays')]))) }}
{%- endmacro %}
