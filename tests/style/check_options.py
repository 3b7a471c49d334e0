# SPDX-License-Identifier: BSD-2-Clause
"""Every flag that --help prints is in the manual page of its program, and
every flag of the page exists; so for commands. Every key of the configuration
file is in rollcall.yaml(5) with its type, range and default, as the tables of
options have them."""

import re
import subprocess
import sys

import style

FLAG = re.compile(r"^  (--[a-z0-9-]+)", re.MULTILINE)
ITEM = re.compile(r"^\.It (.*)", re.MULTILINE)
PAGE_FLAG = re.compile(r"\bFl (?:Fl |-)([a-z0-9-]+)")
COMMAND = re.compile(r"^usage: registrar ([a-z]+)|^ +registrar ([a-z]+)",
                     re.MULTILINE)

# Of the tables in C: a field, one value of it, a list of words.
FIELD = re.compile(r"\{ (\.key = .*?)\s\},\n", re.DOTALL)
MEMBER = re.compile(r"\.(key|kind|low|high|word|names|fallback|common|"
                    r"flag_only) = (\"[^\"]*\"|[\w-]+)")
WORDS = re.compile(r"(\w+)\[\] = \{([^{}]*)NULL\s*\}")
NUMBER = re.compile(r"\b([A-Z][A-Z0-9_]+) = (\d+),")
YAML_PAGE = "schema/rollcall.yaml.5"
YAML_KEY = re.compile(r"^\.Ss (.*)|^\.It Ic (\w+)\n(.*)", re.MULTILINE)


def help_of(*command):
    program = style.BUILD / command[0] / command[0]
    done = subprocess.run([program, *command[1:], "--help"], text=True,
                          capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} --help: status {done.returncode}\n"
                 + done.stderr)
    return done.stdout


def compare(page, helps):
    text = (style.SOURCE / page).read_text()
    flags = {flag for one in helps for flag in FLAG.findall(one)}
    known = {f"--{flag}" for item in ITEM.findall(text)
             for flag in PAGE_FLAG.findall(item)}
    if not flags:
        yield f"{page}: --help lists no flag"
    for flag in sorted(flags - known):
        yield f"{page}: {flag} is not described"
    for flag in sorted(known - flags):
        yield f"{page}: {flag} does not exist"


def duration(ms):
    for unit, size in (("d", 86400000), ("h", 3600000), ("m", 60000),
                       ("s", 1000), ("ms", 1)):
        if ms % size == 0:
            return f"{ms // size}{unit}" if ms else "0s"
    return None


def kind_of(field, words, numbers):
    """The first line of what the page says of a key, without the default."""
    def limit(name):
        text = field.get(name, "0")
        return int(numbers.get(text, text))

    low, high = limit("low"), limit("high")
    extra = ", or " + field["word"] if "word" in field else ""
    if field["kind"] == "CONF_ENUM":
        names = words[field["names"]]
        return f"{', '.join(names[:-1])} or {names[-1]}"
    return {
        "CONF_STRING": "Text",
        "CONF_STRINGS": "List of texts, or one text",
        "CONF_BOOL": "true or false",
        "CONF_INT": f"Number, {low} to {high}{extra}",
        "CONF_SECONDS": f"Seconds, {low} to {high}",
        "CONF_DURATION": f"Time, {duration(low)} to {duration(high)}",
    }[field["kind"]]


def keys_of(program):
    """Keys of a table of options: what to say of them, and who has them."""
    words, numbers = {}, {}
    for path in style.c_files(*style.PROGRAMS):
        text = path.read_text()
        words.update((name, re.findall(r'"([^"]*)"', body))
                     for name, body in WORDS.findall(text))
        numbers.update(NUMBER.findall(text))
    table = (style.SOURCE / program / "options.c").read_text()
    for body in FIELD.findall(table):
        field = {name: value.strip('"')
                 for name, value in MEMBER.findall(body)}
        if "flag_only" in field:
            continue
        default = "default " + field["fallback"] \
            if field.get("fallback") else "no default"
        if field["kind"] == "CONF_BOOL":
            default = "default false"
        section = "both programs" if "common" in field else program
        yield (section, field["key"]), \
            f"{kind_of(field, words, numbers)}; {default}."


def compare_keys():
    """Of rollcall.yaml(5), whose subsections name the sections of the file."""
    wanted = {}
    for program in ("dnsd", "registrar"):
        wanted.update(keys_of(program))
    if len(wanted) < 40:
        yield f"{YAML_PAGE}: the tables of options are not understood"
    section, known = None, {}
    text = (style.SOURCE / YAML_PAGE).read_text()
    for heading, key, says in YAML_KEY.findall(text):
        if heading:
            section = heading.removeprefix("Keys of ")
            section = section.removesuffix(" for its commands")
        else:
            known[section, key] = says
    for where, says in sorted(wanted.items()):
        if where not in known:
            yield f"{YAML_PAGE}: {'.'.join(where)} is not described: {says}"
        elif known[where] != says:
            yield f"{YAML_PAGE}: {'.'.join(where)}: found '{known[where]}'," \
                f" expected '{says}'"
    for where in sorted(known.keys() - wanted.keys()):
        yield f"{YAML_PAGE}: {'.'.join(where)} does not exist"


def main():
    problems = list(compare("dnsd/dnsd.8", [help_of("dnsd")]))
    page = "registrar/registrar.8"
    commands = [a or b for a, b in COMMAND.findall(help_of("registrar"))]
    problems += compare(page, [help_of("registrar", command)
                               for command in commands])
    text = (style.SOURCE / page).read_text()
    for command in commands:
        if not re.search(rf"^\..*\b{command}\b", text, re.MULTILINE):
            problems.append(f"{page}: command {command} is not described")
    problems += compare_keys()
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


main()
