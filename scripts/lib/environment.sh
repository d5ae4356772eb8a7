# Sourced by the commands, with $root set: the settings of .env, of which those that are set already win.
# SLUICE_ENV_FILE names another file (empty: none).

load_settings() {
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line#"${line%%[![:space:]]*}"}
    line=${line#export }
    name=${line%%=*}
    case $name in "$line" | '' | '#'* | [0-9]* | *[!A-Za-z0-9_]*) continue ;; esac
    eval "[ -z \"\${$name+set}\" ]" || continue
    value=${line#*=}
    case $value in
      \"*\"*) value=${value#\"} value=${value%%\"*} ;;
      \'*\'*) value=${value#\'} value=${value%%\'*} ;;
      *) value=${value%%[[:space:]]#*} value=${value%"${value##*[![:space:]]}"} ;;
    esac
    export "$name=$value"
  done <"$1"
}

settings=${SLUICE_ENV_FILE-$root/.env}
if [ -n "$settings" ] && [ -f "$settings" ]; then load_settings "$settings"; fi
