{#-
  An option of a feed as its source YAML gives it, under `config: {meta: …}` (or `meta:`) of the table; it decides how the
  feed's files and values are read.

  Args:
    feed (string): a table of the source `landing`.
    name (string): one of source_options().
  Returns: the option's value: a string, a list of strings (null_words, timestamp_range), a boolean (header); its default
    where the YAML gives none.
  Errors: an unknown feed, option or value stops compilation and lists what is allowed.
-#}
{% macro source_option(feed, name) -%}
  {%- set allowed = source_options() -%}
  {%- if name not in allowed -%}
    {{ exceptions.raise_compiler_error("There is no option '" ~ name ~ "' of a source; the options are " ~ allowed | sort | join(', ')) }}
  {%- endif -%}
  {%- set default = {
    'encoding': 'auto', 'delimiter': 'auto', 'quote': 'auto', 'escape': 'auto', 'header': 'auto', 'decimal': 'auto',
    'date_order': 'auto', 'time_zone': 'UTC', 'null_words': var('null_words', []),
    'timestamp_range': var('timestamp_range', ['1900-01-01', '2099-12-31']),
  }[name] -%}
  {%- if not knows_sources() -%}{{ return(default) }}{%- endif -%}
  {%- set meta = source_meta(landing_table(feed)) -%}
  {%- for key in meta if key not in allowed and key not in other_source_meta() and not key.startswith('x_') -%}
    {{ exceptions.raise_compiler_error("The source landing." ~ feed ~ " has the unknown option '" ~ key ~ "'; the options are " ~ allowed | sort | join(', ')
      ~ ". Names of your own begin with x_") }}
  {%- endfor -%}
  {%- set given = meta.get(name, default) -%}
  {%- do check_source_option(feed, name, given, allowed[name]) -%}
  {{ return(given) }}
{%- endmacro %}

{#- The options of a source, each with the values it may have: a list of them, or what they are in words. -#}
{% macro source_options() -%}
  {{ return({
    'encoding': 'the name of an encoding, or auto',
    'delimiter': 'one character, or auto',
    'quote': 'one character, or auto',
    'escape': 'one character, or auto',
    'header': ['auto', true, false],
    'decimal': ['auto', 'point', 'comma'],
    'date_order': ['auto', 'dmy', 'mdy', 'ymd'],
    'time_zone': 'the IANA name of a time zone, such as Europe/Berlin',
    'null_words': 'a list of words',
    'timestamp_range': "the first and the last day, such as ['1900-01-01', '2099-12-31']",
  }) }}
{%- endmacro %}

{#- What else a source's meta may hold. -#}
{% macro other_source_meta() -%}
  {{ return(['external_location', 'key', 'owner']) }}
{%- endmacro %}

{#- Stops compilation where an option has a value that it can't have. Args: feed, name of the option, the value given, what source_options says is allowed. -#}
{% macro check_source_option(feed, name, given, allowed) -%}
  {%- set wrong = namespace(is=false) -%}
  {%- if allowed is not string -%}
    {%- set wrong.is = given not in allowed -%}
  {%- elif name == 'null_words' -%}
    {%- set wrong.is = given is string or given is mapping or given is not iterable -%}
  {%- elif name == 'timestamp_range' -%}
    {%- set wrong.is = given is string or given is not iterable or given | length != 2 or given[0] | string > given[1] | string
      or not modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{4}-[0-9]{2}-[0-9]{2}', given[0] | string ~ ' ' ~ given[1] | string) -%}
  {%- elif name == 'time_zone' -%}
    {%- set wrong.is = not modules.re.fullmatch('[A-Za-z0-9_+/-]+', given | string) or not run_query(
      "select try_cast('2000-01-01 00:00:00 " ~ given ~ "' as timestamptz) is not null").rows[0][0] -%}
  {%- elif name in ('delimiter', 'quote', 'escape') -%}
    {%- set wrong.is = given is not string or (given != 'auto' and given | length != 1) -%}
  {%- else -%}
    {%- set wrong.is = given is not string -%}
  {%- endif -%}
  {%- if wrong.is -%}
    {{ exceptions.raise_compiler_error("The source landing." ~ feed ~ " has " ~ name ~ ": '" ~ given ~ "'; allowed is " ~ (allowed if allowed is string else allowed | join(', '))) }}
  {%- endif -%}
{%- endmacro %}

{#-
  The strptime patterns in which a column's instants are written, tried before all other forms.

  Args:
    feed (string): a table of the source `landing`.
    column (string): one of its columns, whose YAML has `config: {meta: {formats: ['%d.%m.%Y %H:%M']}}`.
  Returns: a list of strings, empty where the YAML gives none.
  Errors: an unknown column, or formats that are not a list of patterns with %, stop compilation.
-#}
{% macro column_formats(feed, column) -%}
  {%- if not knows_sources() -%}{{ return([]) }}{%- endif -%}
  {%- set found = landing_table(feed).columns.get(column) -%}
  {%- if not found -%}
    {{ exceptions.raise_compiler_error("The source landing." ~ feed ~ " has no column '" ~ column ~ "'") }}
  {%- endif -%}
  {%- set formats = source_meta(found).get('formats', []) -%}
  {%- if formats is string or formats is not iterable or formats | reject('string') | list -%}
    {{ exceptions.raise_compiler_error("The column " ~ column ~ " of landing." ~ feed ~ " has formats: '" ~ formats ~ "'; give a list of strptime patterns, such as ['%d.%m.%Y %H:%M']") }}
  {%- endif -%}
  {{ return(formats) }}
{%- endmacro %}

{#- Whether dbt's graph is known: not while it is being parsed, and not in unit tests, which judge with the defaults. -#}
{% macro knows_sources() -%}
  {{ return(execute and graph.sources is defined) }}
{%- endmacro %}

{#- The table of the source `landing` that a feed is. Returns: dbt's node. Errors: an unknown feed. -#}
{% macro landing_table(feed) -%}
  {%- for source in graph.sources.values() if source.source_name == 'landing' and source.name == feed -%}
    {{ return(source) }}
  {%- endfor -%}
  {{ exceptions.raise_compiler_error("The source landing has no table '" ~ feed ~ "'; declare it in models/staging/landing/_landing__sources.yml") }}
{%- endmacro %}

{#- The meta of a source's table or column, under `config:` or by itself. Args: node (mapping): dbt's node of it. -#}
{% macro source_meta(node) -%}
  {%- set meta = {} -%}
  {%- do meta.update(node.get('meta') or {}) -%}
  {%- do meta.update((node.get('config') or {}).get('meta') or {}) -%}
  {{ return(meta) }}
{%- endmacro %}
