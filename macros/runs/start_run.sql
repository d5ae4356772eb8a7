{#- on-run-start: make sure the machinery's tables exist. Does nothing for commands that build nothing. -#}
{% macro start_run() -%}
  {%- if execute and flags.WHICH in ('build', 'run', 'seed', 'test') %}
    {%- do run_query(create_state()) %}
  {%- endif %}
{%- endmacro %}

{#- on-run-end. -#}
{% macro finish_run(results) -%}
{%- endmacro %}
