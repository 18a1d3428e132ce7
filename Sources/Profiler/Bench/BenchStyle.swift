/// How a benchmark's page looks: one column, the reader's own fonts, colours by format of numbers.
enum BenchStyle {
    static let css = """
        :root{color-scheme:light dark;--paper:#fbfaf8;--ink:#1d1f23;--soft:#6a6f78;--rule:#e3e0da;--card:#fff;\
        --F32:#2f6fb2;--F64:#7b5bb0;--BF16:#1d8a78;--I8:#c2641c;--memory:#8a6d1f;--other:#6a6f78}
        @media(prefers-color-scheme:dark){:root{--paper:#15171b;--ink:#e9e7e2;--soft:#9aa0aa;--rule:#2b2f37;--card:#1c1f25;\
        --F32:#6fa8e6;--F64:#b296e6;--BF16:#55c4b0;--I8:#ef9a54;--memory:#d3b25a;--other:#9aa0aa}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
        main{max-width:880px;margin:0 auto;padding:32px 20px 48px}
        header p{margin:.25rem 0;color:var(--soft)}
        .kind{text-transform:uppercase;letter-spacing:.12em;font-size:.75rem}
        .signed,.device{font-size:.85rem;overflow-wrap:anywhere}
        h1{font-size:clamp(1.5rem,4.5vw,2.2rem);line-height:1.15;margin:.2rem 0 .5rem;font-weight:650;overflow-wrap:anywhere}
        h2{font-size:1.25rem;margin:2.5rem 0 .25rem;font-weight:650;overflow-wrap:anywhere}
        h3{font-size:.8rem;margin:1.75rem 0 .6rem;color:var(--soft);font-weight:600;text-transform:uppercase;letter-spacing:.08em}
        .device{color:var(--soft);margin:0 0 .75rem}
        code{font:.9em ui-monospace,SFMono-Regular,Menlo,monospace}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(124px,1fr));gap:12px;margin:24px 0 8px}
        .tile{background:var(--card);border:1px solid var(--rule);border-top:3px solid var(--tone);border-radius:8px;padding:12px 14px;\
        display:flex;flex-direction:column}
        .tile span{font-size:.8rem;color:var(--soft)}
        .tile strong{font-size:1.35rem;line-height:1.3;font-weight:650;white-space:nowrap;font-variant-numeric:tabular-nums}
        .tile small{font-size:.8rem;font-weight:500;color:var(--soft)}
        .tile em{font-style:normal;font-size:.8rem;color:var(--soft)}
        .F32{--tone:var(--F32)}.F64{--tone:var(--F64)}.BF16{--tone:var(--BF16)}.I8{--tone:var(--I8)}.memory{--tone:var(--memory)}.other{--tone:var(--other)}
        figure{margin:0;background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:14px 10px 8px}
        svg{display:block;width:100%;height:auto;font-family:inherit}
        svg .grid{stroke:var(--rule);stroke-width:1}
        svg .tick,svg .axis{fill:var(--soft);font-size:13px}
        svg .label{fill:var(--tone,var(--memory));font-size:13px;font-weight:600;paint-order:stroke;stroke:var(--card);stroke-width:4px;stroke-linejoin:round}
        svg .roof{stroke:var(--tone);stroke-width:2;fill:none}
        svg .roof.memory{stroke-dasharray:none}
        svg .point>*{fill:var(--tone);fill-opacity:.75;stroke:var(--card);stroke-width:1}
        figcaption{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:.8rem;color:var(--soft);padding:6px 8px}
        .key::before{content:"";display:inline-block;width:.7em;height:.7em;border-radius:2px;background:var(--tone);margin-right:.4em}
        .bar{display:grid;grid-template-columns:minmax(0,15rem) minmax(0,1fr) 9.5rem;gap:12px;align-items:center;padding:4px 0;font-size:.875rem}
        .bar span{overflow-wrap:anywhere}
        .bar small,.bar strong small{color:var(--soft);font-size:.75rem;font-weight:400;margin-left:.5em;white-space:nowrap}
        .bar strong{font-weight:600;text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
        .bar i{display:block;height:10px;border-radius:5px;background:var(--rule);overflow:hidden}
        .bar i.none{background:none;border-bottom:1px dashed var(--rule);border-radius:0;height:0}
        .bar b{display:block;height:100%;border-radius:5px;background:var(--tone)}
        dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(180px,1fr));gap:2px 24px;margin:0}
        dl div{display:flex;justify-content:space-between;gap:12px;border-bottom:1px solid var(--rule);padding:5px 0;font-size:.875rem}
        dt{color:var(--soft)}dd{margin:0;font-weight:600;white-space:nowrap;font-variant-numeric:tabular-nums}
        details{margin-top:2.5rem}summary{cursor:pointer;color:var(--soft)}
        .wide{overflow-x:auto;margin-top:.75rem}
        table{border-collapse:collapse;font-size:.8rem;white-space:nowrap}
        th,td{text-align:left;padding:4px 14px 4px 0;border-bottom:1px solid var(--rule);font-variant-numeric:tabular-nums}
        th{color:var(--soft);font-weight:600}
        footer{margin-top:2.5rem;border-top:1px solid var(--rule);padding-top:1rem;color:var(--soft);font-size:.8rem}
        ul{color:var(--soft);font-size:.8rem;padding-left:1.2em}
        @media(max-width:560px){main{padding:20px 14px 40px}.bar{grid-template-columns:minmax(0,1fr) auto;gap:2px 10px;padding:6px 0}\
        .bar i{grid-row:2;grid-column:1/3}figure{padding:8px 2px 4px}svg .tick,svg .axis,svg .label{font-size:17px}}
        """
}
