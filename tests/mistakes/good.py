"""Files without a mistake, in every shape of the language, and what lies beside them."""

from __future__ import annotations

from pathlib import Path

LISTS = """\
capspec: "1"
info:
  title: Ships
  description: Ships and their ports.
capability:
  binds:
  - namespace: vault
    location: ./fleet.env
    keys: [REGISTRY_TOKEN, PORT_KEY]
  consumes:
  - namespace: registry
    baseUri: https://registry.example/v1
    authentication:
      type: bearer
      token: "{{REGISTRY_TOKEN}}"
    resources:
    - path: /ships
      operations:
      - name: list-ships
        method: GET
        inputParameters:
        - {name: flag, in: query, type: string, required: false}
        - {name: X-Client, in: header, value: capspec}
    - path: "/ships/{imo}"
      operations:
      - name: get-ship
        method: GET
        inputParameters:
        - {name: imo, in: path, type: string}
      - name: paint-ship
        method: POST
        path: /coats
        outputRawFormat: json
        body:
          type: json
          data: {color: "{{color}}", tone: plain}
        poll:
          id: $.id
          request: {uri: "/jobs/{{id}}"}
          interval: 5s
          status: {path: $.status, success: [done], failure: [failed]}
          result: {path: $.coat}
  - namespace: ports
    baseUri: https://ports.example
    authentication:
      type: apikey
      key: X-Key
      value: "{{PORT_KEY}}"
      placement: header
    operations:
    - name: list-ports
      method: GET
      path: /ports
      timeout: 10s
  - {import: weather, from: ./weather.yaml}
  aggregates:
  - namespace: fleet
    label: The fleet
    functions:
    - name: find
      description: Ships by flag.
      inputParameters:
      - {name: country, type: string, enum: [NO, SG], default: "NO"}
      call: registry.list-ships
      with: {flag: fleet.country}
      outputParameters:
      - {name: names, type: array, mapping: "$[*].name"}
  exposes:
  - type: rest
    namespace: desk
    port: 8080
    resources:
    - path: /ships
      operations:
      - {name: find, method: GET, ref: fleet.find}
    - path: "/ships/{imo}"
      operations:
      - name: show-ship
        method: GET
        call: registry.get-ship
        with: {imo: desk.imo}
        outputParameters:
        - name: title
          type: string
          mapping: $.name
  - type: mcp
    namespace: harbour
    port: 9090
    authentication: {type: bearer, token: "{{PORT_KEY}}"}
    tools:
    - name: find-ships
      ref: fleet.find
    - name: paint
      description: Paint a ship.
      hints: {destructive: true}
      inputParameters:
      - name: imo
        type: string
        pattern: "[0-9]{7}"
      - {name: color, type: string, minLength: 3}
      call: registry.paint-ship
      with: {imo: harbour.imo, color: "{{color}}"}
    - name: describe-ship
      description: A ship, its port and the weather there.
      inputParameters:
      - {name: number, type: string}
      steps:
      - name: ship
        type: call
        call: registry.get-ship
        with: {imo: harbour.number}
      - name: ports
        type: call
        call: ports.list-ports
      - name: home
        type: lookup
        index: ports
        match: code
        lookupValue: $.ship.port
        outputParameters: [name, city]
      - name: sky
        type: call
        call: weather.get-weather
        when: "{{home.city}}"
        with: {city: "{{home.city}}"}
      mappings:
      - {target: ship.name, value: $.ship.name}
      - {target: ship.home, value: "{{home.name}}"}
      - {target: sky, value: $.sky}
    resources:
    - name: ship
      uri: "ship://{imo}"
      description: A ship.
      mimeType: application/json
      call: registry.get-ship
    prompts:
    - name: inspect
      description: Look at a ship.
      arguments:
      - {name: imo, description: Its number.}
      template:
      - {role: user, content: "Look at the ship {{imo}}."}
  - type: skill
    namespace: guides
    port: 9095
    description: How to work with ships.
    skills:
    - name: ship-care
      description: Cares for ships. Use it when a ship needs paint.
      location: ./care
      tools:
      - {name: paint, description: Paints a ship., from: {sourceNamespace: harbour, action: paint}}
      - {name: rules, description: What to look at., instruction: rules.md}
"""
"""Collections as lists of objects with names; `naftiko` and `capspec` files are alike in this."""

MAPS = """\
ikanos: "1.0.0-beta5"
binds:
- namespace: vault
  location: ./fleet.env
  keys:
    PORT_KEY: PORT_KEY
capability:
  consumes:
  - namespace: ports
    type: http
    baseUri: https://ports.example
    authentication: {type: bearer, token: "{{PORT_KEY}}"}
    resources:
      ports:
        path: /ports
        operations:
          list-ports:
            method: GET
            inputParameters:
              land: {in: query, type: string}
      port:
        path: "/ports/{code}"
        operations:
          get-port:
            method: GET
  exposes:
  - type: mcp
    namespace: harbour
    port: 9090
    tools:
      list-ports:
        description: Ports of a country.
        inputParameters:
          country: {type: string, minLength: 2}
        call: ports.list-ports
        with: {land: harbour.country}
        outputParameters:
          names: {type: array, mapping: "$[*].name"}
      describe-port:
        description: A port.
        inputParameters:
          code: {type: string}
        steps:
          found: {type: call, call: ports.get-port, with: {code: harbour.code}}
        mappings:
        - {target: name, value: $.found.name}
"""
"""Collections as maps of names to objects."""

BESIDE = {
    "fleet.env": "REGISTRY_TOKEN=t0ken\nPORT_KEY=k3y\n",
    "care/rules.md": "Look at the flag first.\n",
    "weather.yaml": """\
capspec: "1"
consumes:
- namespace: weather
  baseUri: https://weather.example
  operations:
  - {name: get-weather, method: GET, path: "/weather/{city}"}
""",
}


def laid_out(folder: Path, text: str) -> Path:
    """A file with the text, in a folder with all that it names."""
    for name, content in {**BESIDE, "cap.yaml": text}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return folder / "cap.yaml"
