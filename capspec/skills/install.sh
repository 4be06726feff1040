
usage() {
    cat <<'USAGE'
Puts skills where an agent finds them.

  curl -fsS URL/install | bash -s -- [--target AGENT]... [options]

  --target AGENT  the agent, one of: @AGENTS@;
                  without it, the one agent that is found in the home folder
  --project DIR   for the project in DIR, instead of for the user
  --url URL       where to fetch from, if not from where this script came
  --header LINE   a header of the requests, as 'Authorization: Bearer ...'
  --dry-run       say what would be written, and write nothing
  --force         replace files that were changed, or put there by others
USAGE
}

say() { printf '%s\n' "$*"; }
complain() { printf 'install: %s\n' "$*" >&2; }
refuse() { complain "$*"; exit 2; }
have() { command -v "$1" >/dev/null 2>&1; }

fetch() { # URL FILE
    if have curl; then
        if [ -n "$header" ]; then
            printf '%s\n' "$header" > "$work/header"
            curl -fsS --max-time 300 -H "@$work/header" -o "$2" -- "$1"
        else
            curl -fsS --max-time 300 -o "$2" -- "$1"
        fi
    else
        if [ -n "$header" ]; then
            wget -q -T 300 --header "$header" -O "$2" -- "$1"
        else
            wget -q -T 300 -O "$2" -- "$1"
        fi
    fi
}

unpack() { # ARCHIVE FOLDER
    if have unzip; then
        unzip -q -o "$1" -d "$2"
    elif have python3; then
        python3 -m zipfile -e "$1" "$2"
    elif have bsdtar; then
        bsdtar -xf "$1" -C "$2"
    else
        complain 'this skill has several files, and unpacking them needs unzip, python3 or bsdtar'
        return 1
    fi
}

hash_of() { # FILE
    if have sha256sum; then
        sha256sum < "$1" | cut -c1-64
    elif have shasum; then
        shasum -a 256 < "$1" | cut -c1-64
    else
        openssl dgst -sha256 < "$1" | sed 's/^.*= *//'
    fi
}

# A record of what this script wrote lies beside it, so that a later run knows what it may replace.
record='.capspec.sha256'

list_files() { # FOLDER
    (cd "$1" && find . -type f ! -path "./$record" | sed 's|^\./||' | LC_ALL=C sort)
}

write_record() { # FOLDER
    list_files "$1" > "$work/names"
    while IFS= read -r file; do
        printf '%s  %s\n' "$(hash_of "$1/$file")" "$file"
    done < "$work/names" > "$work/sums"
    mv -f "$work/sums" "$1/$record"
}

recorded_hash() { # FOLDER FILE
    [ -f "$1/$record" ] || return 0
    while IFS= read -r line; do
        if [ "${line#*  }" = "$2" ]; then
            printf '%s' "${line%%  *}"
            return 0
        fi
    done < "$1/$record"
}

# Whether a file may be written over: it is not there, the same, or as this script left it.
is_ours() { # STAGED PLACED FOLDER FILE
    [ -e "$2" ] || [ -L "$2" ] || return 0
    [ ! -L "$2" ] && [ -f "$2" ] || return 1
    cmp -s "$1" "$2" && return 0
    [ "$(recorded_hash "$3" "$4")" = "$(hash_of "$2")" ]
}

place() { # STAGE FOLDER
    list_files "$1" > "$work/new"
    changed=''
    if [ -L "$2" ] && [ -z "$force" ]; then
        complain "$2 is a link; --force follows it"
        return 1
    fi
    while IFS= read -r file; do
        if ! is_ours "$1/$file" "$2/$file" "$2" "$file" && [ -z "$force" ]; then
            complain "$2/$file was changed, or put there by others; --force replaces it"
            return 1
        fi
        cmp -s "$1/$file" "$2/$file" || changed=yes
    done < "$work/new"
    remove_old "$1" "$2"
    cmp -s "$1/$record" "$2/$record" || changed=yes
    if [ -z "$changed" ]; then
        say "up to date: $2"
        return 0
    fi
    while IFS= read -r file; do
        if [ -n "$dry_run" ]; then
            say "would write: $2/$file"
            continue
        fi
        mkdir -p "$(dirname "$2/$file")" || return 1
        cp "$1/$file" "$2/$file.capspec-new" || return 1
        mv -f "$2/$file.capspec-new" "$2/$file" || return 1
        say "written: $2/$file"
    done < "$work/new"
    [ -z "$dry_run" ] || return 0
    cp "$1/$record" "$2/$record.new" && mv -f "$2/$record.new" "$2/$record"
}

# What an earlier run wrote, and is no longer part of the skill, goes, unless somebody has changed it.
remove_old() { # STAGE FOLDER
    [ -f "$2/$record" ] || return 0
    while IFS= read -r line; do
        file="${line#*  }"
        case "/$file/" in */../*) continue ;; esac
        if [ -e "$1/$file" ] || [ ! -f "$2/$file" ] || [ -L "$2/$file" ]; then continue; fi
        [ "${line%%  *}" = "$(hash_of "$2/$file")" ] || continue
        changed=yes
        if [ -n "$dry_run" ]; then
            say "would remove: $2/$file"
        else
            rm -f -- "$2/$file"
            say "removed: $2/$file"
        fi
    done < "$2/$record"
}

begin_mark='# --- skills that capspec installed ---'
end_mark='# --- end of skills that capspec installed ---'

# Makes a YAML file's list `read` name a file, in lines of our own.
read_at_start() { # FILE OF SETTINGS, FILE TO READ
    entry="  - \"$(printf '%s' "$2" | sed 's/[\\"]/\\&/g')\""
    if [ -f "$1" ] && grep -qxF -e "$entry" "$1"; then return 0; fi
    if [ -f "$1" ] && ! grep -qxF -e "$begin_mark" "$1" && grep -q '^read *:' "$1"; then
        complain "$1 has a list 'read' already; add this line to it:"
        say "$entry"
        return 1
    fi
    if [ -n "$dry_run" ]; then
        say "would write: $1"
        return 0
    fi
    : > "$work/settings"
    [ ! -f "$1" ] || cat "$1" > "$work/settings" || return 1
    if grep -qxF -e "$begin_mark" "$work/settings"; then
        while IFS= read -r line || [ -n "$line" ]; do
            [ "$line" != "$end_mark" ] || printf '%s\n' "$entry"
            printf '%s\n' "$line"
        done < "$work/settings" > "$work/settings.new"
    else
        {
            cat "$work/settings"
            [ -z "$(tail -c 1 "$work/settings")" ] || printf '\n'
            printf '%s\nread:\n%s\n%s\n' "$begin_mark" "$entry" "$end_mark"
        } > "$work/settings.new"
    fi
    if [ -L "$1" ]; then
        cat "$work/settings.new" > "$1" || return 1
    else
        mkdir -p "$(dirname "$1")" || return 1
        # The copy has the permissions that the file had.
        [ ! -f "$1" ] || cp -p "$1" "$1.capspec-new" || return 1
        cat "$work/settings.new" > "$1.capspec-new" && mv -f "$1.capspec-new" "$1" || return 1
    fi
    say "written: $1"
}

choose() {
    found=''
    for one in @AGENTS_PLAIN@; do
        if is_there "$one"; then found="$found $one"; fi
    done
    case "$found" in
        ' '*' '*) refuse "several agents are here:$found; say which with --target" ;;
        ' '*) targets="$found" ;;
        *) refuse 'no agent was found here; say which it is with --target (@AGENTS@)' ;;
    esac
    say "for:$found"
}

check_target() { # AGENT
    for one in @AGENTS_PLAIN@; do
        if [ "$one" = "$1" ]; then return 0; fi
    done
    refuse "'$1' is no agent that is known here; use one of: @AGENTS@"
}

install_skill() { # NAME DIRECTORY ARCHIVE
    stage="$work/stage"
    rm -rf "$stage" && mkdir "$stage" || return 1
    if [ "$3" = zip ]; then
        fetch "$url/skills/$1/download" "$work/skill.zip" || return 1
        unpack "$work/skill.zip" "$stage" || return 1
    else
        fetch "$url/skills/$1/SKILL.md" "$stage/SKILL.md" || return 1
    fi
    if [ ! -s "$stage/SKILL.md" ]; then
        complain "what came for $1 has no SKILL.md"
        return 1
    fi
    write_record "$stage"
    for target in $targets; do
        where_of "$target"
        if place "$stage" "$folder/$2"; then
            if [ -n "$settings" ]; then read_at_start "$settings" "$folder/$2/SKILL.md" || failed=1; fi
            if [ -n "$note" ]; then say "$note"; fi
        else
            failed=1
        fi
    done
}

main() {
    targets='' project='' header='' dry_run='' force='' failed=''
    while [ "$#" -gt 0 ]; do
        option="$1"
        value=''
        case "$option" in
            --target=* | --project=* | --url=* | --header=*)
                value="${option#*=}"
                option="${option%%=*}"
                ;;
            --target | --project | --url | --header)
                [ "$#" -gt 1 ] || refuse "$option needs a value"
                value="$2"
                shift
                ;;
        esac
        case "$option" in
            --target) check_target "$value" && targets="$targets $value" ;;
            --project) [ -d "$value" ] || refuse "there is no folder '$value'"; project="$(CDPATH='' cd -- "$value" && pwd)" ;;
            --url) url="${value%/}" ;;
            --header) header="$value" ;;
            --dry-run) dry_run=yes ;;
            --force) force=yes ;;
            -h | --help) usage; exit 0 ;;
            *) refuse "'$option' is no option; --help lists them" ;;
        esac
        shift
    done
    : "${HOME:?}"
    [ -n "$url" ] || refuse 'say with --url where to fetch from'
    if [ -z "$targets" ]; then choose; fi
    have curl || have wget || refuse 'this needs curl or wget'
    have sha256sum || have shasum || have openssl || refuse 'this needs sha256sum, shasum or openssl'
    work="$(mktemp -d "${TMPDIR:-/tmp}/capspec.XXXXXX")"
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM
    each_skill
    if [ -n "$failed" ]; then exit 1; fi
}

# The last line runs it all, so that half a script does nothing.
main "$@"
