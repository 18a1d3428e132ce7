/// The local page's style: one column, one colour, light and dark, down to a phone's width.
enum WebStyle {
    static let css = #"""
        :root {
          color-scheme: light dark;
          --ground: #fbfaf8; --raised: #ffffff; --ink: #1d2326; --faint: #667074; --line: #e4e1dc; --accent: #0f766e; --soft: #d8ece9;
          --warn: #9a5b00; --warn-soft: #fdf1dc; --bad: #b3261e; --bad-soft: #fbe7e5;
          --c0: #0f766e; --c1: #4460b4; --c2: #a8531c; --c3: #7c4a9e; --c4: #5d7a1f; --c5: #9c3d62;
          --s0: #b9c6c4; --s1: #5fa69f; --s2: #8fb3d9; --s3: #c9a45c; --s4: #a98bbf; --s5: #4f8a5b;
          --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
        }
        @media (prefers-color-scheme: dark) { :root {
          --ground: #14181a; --raised: #1b2023; --ink: #e6e9e8; --faint: #97a2a5; --line: #2c3336; --accent: #5cc5b8; --soft: #17403c;
          --warn: #e8b059; --warn-soft: #3a2d14; --bad: #f0837a; --bad-soft: #43211f;
          --c0: #5cc5b8; --c1: #8fa8f0; --c2: #e39a63; --c3: #c29be0; --c4: #a9c661; --c5: #e08cae;
          --s0: #46524f; --s1: #3f8f86; --s2: #4d7aa8; --s3: #a17f3c; --s4: #7f6596; --s5: #57a367;
        } }
        * { box-sizing: border-box; margin: 0; }
        body { background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
          -webkit-text-size-adjust: 100%; }
        header, main, footer { max-width: 1080px; margin: 0 auto; padding: 0 24px; }
        header { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 18px; padding-top: 20px; padding-bottom: 20px; }
        .brand { display: flex; align-items: center; gap: 8px; font-weight: 650; font-size: 18px; letter-spacing: -.01em; }
        .brand svg { width: 22px; height: 22px; fill: var(--accent); }
        .pill { display: inline-flex; align-items: center; gap: 7px; padding: 3px 11px 3px 9px; border-radius: 99px; background: var(--soft);
          color: var(--accent); font-size: 13.5px; font-weight: 550; }
        .pill i { width: 8px; height: 8px; border-radius: 50%; background: currentColor; }
        .pill.warn { background: var(--warn-soft); color: var(--warn); } .pill.bad { background: var(--bad-soft); color: var(--bad); }
        .faint { color: var(--faint); } .warn { color: var(--warn); } .bad { color: var(--bad); }
        #controls { margin-left: auto; display: flex; gap: 8px; }
        button { font: inherit; font-size: 14px; color: inherit; background: var(--raised); border: 1px solid var(--line); border-radius: 8px; padding: 5px 13px;
          cursor: pointer; }
        button:hover { border-color: var(--faint); } button:disabled { opacity: .45; cursor: default; border-color: var(--line); }
        button.main, button[aria-pressed="true"] { background: var(--accent); border-color: var(--accent); color: var(--ground); }
        :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 6px; }
        .skip { position: absolute; left: -999px; } .skip:focus { left: 16px; top: 8px; background: var(--raised); padding: 6px 10px; }
        section { border-top: 1px solid var(--line); padding: 26px 0 30px; }
        h1 { font-size: 27px; line-height: 1.25; letter-spacing: -.015em; font-weight: 620; text-wrap: balance; }
        h2 { font-size: 16px; font-weight: 620; margin-bottom: 14px; }
        .row { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline; gap: 4px 16px; }
        #meaning { font-size: 17px; margin-top: 4px; } #meaning:empty, #remedy:empty { display: none; }
        #notice { background: var(--warn-soft); color: var(--warn); border-radius: 8px; padding: 9px 14px; margin-bottom: 18px; }
        #figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 20px 24px; margin-top: 24px; }
        #figures dt { color: var(--faint); font-size: 13px; } #figures dd { font-size: 23px; font-weight: 580; letter-spacing: -.01em; }
        #figures dd small { white-space: nowrap; font-size: 13px; font-weight: 400; color: var(--faint); letter-spacing: 0; }
        dd, td, .num, time { font-variant-numeric: tabular-nums; }
        .job { display: grid; grid-template-columns: minmax(150px, 1.2fr) 2fr 52px; gap: 4px 18px; align-items: center; margin-top: 12px; }
        #jobs .job:first-child { margin-top: 24px; }
        progress { appearance: none; width: 100%; height: 8px; border: 0; border-radius: 4px; background: var(--line); overflow: hidden; }
        progress::-webkit-progress-bar { background: var(--line); } progress::-webkit-progress-value { background: var(--accent); border-radius: 4px; }
        progress::-moz-progress-bar { background: var(--accent); }
        .num { text-align: right; }
        .device { display: grid; grid-template-columns: minmax(170px, 1.6fr) repeat(5, minmax(66px, .6fr)) minmax(110px, 1fr); gap: 2px 16px; padding: 11px 0;
          border-top: 1px solid var(--line); align-items: center; }
        .device:first-child { border-top: 0; padding-top: 0; }
        .device h3 { font-size: 15px; font-weight: 600; } .device .model { font-size: 12.5px; color: var(--faint); overflow-wrap: anywhere; }
        .device .cell { text-align: right; } .device .cell b { display: block; font-size: 12px; font-weight: 400; color: var(--faint); }
        .device svg { width: 100%; height: 30px; display: block; } .device .why { grid-column: 1 / -1; font-size: 13.5px; }
        #range { display: inline-flex; } #range button { border-radius: 0; margin-left: -1px; padding: 3px 11px; font-size: 13px; }
        #range button:first-child { border-radius: 8px 0 0 8px; } #range button:last-child { border-radius: 0 8px 8px 0; }
        #legend { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 13px; margin-bottom: 10px; }
        #legend i { display: inline-block; width: 14px; height: 3px; border-radius: 2px; margin-right: 6px; vertical-align: 4px; }
        #charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 420px), 1fr)); gap: 26px 32px; }
        figure { min-width: 0; position: relative; } figcaption { display: flex; justify-content: space-between; font-size: 13.5px; margin-bottom: 4px; }
        figure svg { width: 100%; height: 150px; display: block; overflow: visible; } figure svg text { fill: var(--faint); font-size: 11px; }
        .grid { stroke: var(--line); stroke-width: 1; shape-rendering: crispEdges; } .cursor { stroke: var(--faint); stroke-width: 1; stroke-dasharray: 2 3; }
        .empty { color: var(--faint); max-width: 62ch; }
        table { width: 100%; border-collapse: collapse; font-size: 14px; } th { text-align: left; font-weight: 400; font-size: 12.5px; color: var(--faint); }
        th, td { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); vertical-align: middle; } tr:last-child td { border-bottom: 0; }
        td.num, th.num { text-align: right; } td:last-child, th:last-child { padding-right: 0; }
        .mono { font-family: var(--mono); font-size: 12.5px; } .road { min-width: 220px; width: 44%; }
        .steps { display: flex; height: 10px; border-radius: 5px; overflow: hidden; background: var(--line); gap: 1px; } .steps i { display: block; min-width: 3px; }
        .times { font-size: 12px; color: var(--faint); display: flex; flex-wrap: wrap; gap: 0 12px; margin-top: 3px; }
        .times i { display: inline-block; width: 7px; height: 7px; border-radius: 50%; margin-right: 4px; }
        #events { list-style: none; padding: 0; } #events li { display: grid; grid-template-columns: 92px 1fr; gap: 2px 14px; padding: 7px 0;
          border-top: 1px solid var(--line); font-size: 14px; } #events li:first-child { border-top: 0; }
        #events time { color: var(--faint); } #events .empty { grid-column: 1 / -1; } #events p { overflow-wrap: anywhere; }
        section:last-child { border-bottom: 1px solid var(--line); }
        footer { padding-top: 20px; padding-bottom: 40px; font-size: 13px; color: var(--faint); }
        footer dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; } footer dd { overflow-wrap: anywhere; }
        dialog { margin: auto; border: 1px solid var(--line); border-radius: 14px; background: var(--raised); color: inherit; padding: 24px 26px; width: min(440px, 92vw); }
        dialog::backdrop { background: rgb(0 0 0 / .4); } dialog p { margin: 8px 0; } dialog label { display: block; font-size: 13px; margin-top: 12px; }
        dialog pre { font-family: var(--mono); font-size: 13px; background: var(--ground); border: 1px solid var(--line); border-radius: 8px; padding: 7px 10px; overflow-x: auto; }
        input { font: inherit; color: inherit; width: 100%; padding: 7px 10px; border: 1px solid var(--faint); border-radius: 8px; background: var(--ground); }
        dialog .row { justify-content: flex-end; margin-top: 14px; }
        @media (max-width: 720px) {
          header, main, footer { padding-left: 16px; padding-right: 16px; } #controls { margin-left: 0; width: 100%; } #controls button { flex: 1; padding: 9px; }
          h1 { font-size: 23px; } .job { grid-template-columns: 1fr 52px; } .job progress { grid-column: 1 / -1; grid-row: 2; }
          .device { grid-template-columns: repeat(3, 1fr); } .device > div:first-child { grid-column: 1 / -1; } .device .cell { text-align: left; }
          .device svg { grid-column: 1 / -1; }
          table, tbody, tr, td { display: block; width: 100%; } thead { display: none; } tr { border-bottom: 1px solid var(--line); padding: 8px 0; }
          td { border: 0; padding: 1px 0; } td.num { text-align: left; } td[data-name]::before { content: attr(data-name) " "; color: var(--faint); font-size: 12.5px; }
          .road { width: 100%; } #events li { grid-template-columns: 1fr; gap: 0; } footer dl { grid-template-columns: 1fr; } footer dt { margin-top: 6px; }
        }
        @media (prefers-reduced-motion: no-preference) { progress::-webkit-progress-value { transition: width .6s; } }
        """#
}
