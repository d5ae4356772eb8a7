{#-
  Trimmed text, or null when nothing is left: the one way a field is cleaned.

  Args:
    value (SQL expression): raw text; evaluated several times, so pass a column.
    fold (string): 'lower', 'upper' or none.
  Returns: a SQL expression of type VARCHAR without surrounding space, tab, CR, LF, VT, FF or no-break space.

  Nearly every field needs no trimming: text that begins with a visible ASCII character and ends with none of the seven is
  returned as it is, for comparisons of a few bytes where trim() decodes all of them; most of the rest has spaces only. (To
  take the last character, as in value[-1], costs more than all seven suffixes.) Without its second argument, trim() would
  also take away spaces of other scripts, which are text.
-#}
{% macro clean_text(value, fold=none) -%}
  {{ return(adapter.dispatch('clean_text')(value, fold)) }}
{%- endmacro %}

{% macro default__clean_text(value, fold) -%}
  {{ exceptions.raise_compiler_error('clean_text is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__clean_text(value, fold) -%}
  {%- set cleaned -%}
    case
      when {{ duckdb__is_trimmed(value) }} then {{ value }}
      when {{ duckdb__is_trimmed('trim(' ~ value ~ ", ' ')") }} then trim({{ value }}, ' ')
      else nullif(trim({{ value }}, ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(160)), '')
    end
  {%- endset -%}
  {%- if fold is none -%} {{ cleaned }}
  {%- elif fold in ('lower', 'upper') -%} {{ fold }}({{ cleaned }})
  {%- else -%} {{ exceptions.raise_compiler_error("clean_text: fold is '" ~ fold ~ "'; use 'lower', 'upper' or none") }}
  {%- endif -%}
{%- endmacro %}

{#- Whether text surely has nothing to trim. -#}
{% macro duckdb__is_trimmed(value) -%}
  {{ value }} between '!' and '~' and not (suffix({{ value }}, ' ')
  {%- for code in (9, 10, 11, 12, 13, 160) %} or suffix({{ value }}, chr({{ code }})){% endfor %})
{%- endmacro %}
