/// The first half of the local page's script: elements, figures and charts. Text gets into the page as text alone.
enum WebCharts {
    static let script = #"""
        "use strict";
        const $ = id => document.getElementById(id);
        const SVG = "http://www.w3.org/2000/svg";

        // An element with attributes and children; strings become text, never markup.
        function el(tag, attributes = {}, ...children) {
          const node = document.createElement(tag);
          for (const [name, value] of Object.entries(attributes)) if (value != null) node.setAttribute(name, value);
          node.append(...children.filter(child => child != null));
          return node;
        }
        function draw(tag, attributes = {}, ...children) {
          const node = document.createElementNS(SVG, tag);
          for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
          node.append(...children);
          return node;
        }
        function put(node, ...children) {
          // What has not changed is left alone: nothing flickers, and a selection stays.
          const old = [...node.childNodes];
          children = children.filter(child => child != null);
          if (old.length === children.length && children.every((child, i) => child instanceof Node && child.isEqualNode(old[i]))) return;
          node.replaceChildren(...children);
        }
        // A sentence begins with a capital, unless it is a command, or begins with a file's name or a code.
        const sentence = text => !text || /^(adit|curl) /.test(text) || !/^[a-z'-]+[,;:]?(\s|$)/.test(text) ? text : text[0].toUpperCase() + text.slice(1);
        function say(node, text) { if (node.textContent !== text) node.textContent = text; }

        const whole = new Intl.NumberFormat("en");
        const count = value => whole.format(value ?? 0);
        function three(value) { return value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : value.toFixed(0); }
        function rate(value) {
          if (value == null) return "–";
          if (value < 1) return "0 op/s";
          const units = ["op/s", "kop/s", "Mop/s", "Gop/s", "Top/s", "Pop/s", "Eop/s"];
          let unit = 0;
          while (value >= 999.5 && unit < units.length - 1) { value /= 1000; unit += 1; }
          return three(value) + " " + units[unit];
        }
        function coins(base) {
          const value = (base ?? 0) / 1e6;
          return new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: value < 1000 ? 6 : 2 }).format(value);
        }
        const percent = share => share == null ? "–" : Math.round(share * 100) + " %";
        const degrees = value => value == null ? "–" : Math.round(value) + " °C";
        const watts = value => value == null ? "–" : Math.round(value) + " W";
        function span(ms) {
          const s = Math.max(0, ms) / 1000;
          return s < 1 ? Math.round(s * 1000) + " ms" : s < 100 ? s.toFixed(1) + " s" : s < 5400 ? Math.round(s / 60) + " min" : s < 172800 ? (s / 3600).toFixed(1) + " h"
            : Math.round(s / 86400) + " d";
        }
        const two = value => String(value).padStart(2, "0");
        function clock(ms) { const t = new Date(ms); return two(t.getHours()) + ":" + two(t.getMinutes()) + ":" + two(t.getSeconds()); }
        function day(ms) { return new Date(ms).toLocaleDateString("en", { day: "numeric", month: "short" }); }
        function moment(ms) { return Date.now() - ms > 72e6 ? day(ms) + " " + clock(ms).slice(0, 5) : clock(ms); }

        const colour = index => "var(--c" + index % 6 + ")";

        // A small curve without axes.
        function spark(values) {
          const top = Math.max(...values, 1e-9), last = values.length - 1;
          const points = values.map((v, i) => (i / last * 100).toFixed(1) + "," + (28 - v / top * 26).toFixed(1)).join(" ");
          return draw("svg", { viewBox: "0 0 100 30", preserveAspectRatio: "none", "aria-hidden": "true" },
            draw("polygon", { points: "0,29 " + points + " 100,29", fill: "var(--c0)", "fill-opacity": ".14" }),
            draw("polyline", { points, fill: "none", stroke: "var(--c0)", "stroke-width": "1.4", "vector-effect": "non-scaling-stroke" }));
        }

        // The least of 1, 2, 2.5, 5 × 10^n that makes at most so many steps up to a value.
        function step(top, most) {
          const rough = top / most, power = 10 ** Math.floor(Math.log10(rough));
          return power * [1, 2, 2.5, 5, 10].find(factor => factor * power >= rough * 0.9999);
        }

        // chart: {title, series: [{name, points: [[seconds, value or null]…]}], show, from, to, step, bars, top, low}
        function chart(into, chart) {
          const known = chart.series.flatMap(s => s.points.filter(p => p[1] != null));
          const figure = el("figure"), now = el("span", { class: "faint" });
          figure.append(el("figcaption", {}, el("b", {}, chart.title), now));
          if (!known.length) {
            figure.append(el("p", { class: "empty" }, chart.empty));
            into.append(figure);
            return;
          }
          into.append(figure);
          const W = Math.max(240, Math.floor(figure.clientWidth)), H = 150, R = 4, T = 8, B = 20;
          const highest = Math.max(...known.map(p => p[1]), chart.top ?? 0);
          const tick = step(highest > 0 ? highest : 1, 3), ceiling = Math.max(tick, Math.ceil(highest / tick - 1e-9) * tick);
          // As wide as the widest label at 11 px, whose characters are 6.6 px at most.
          const ticks = []; for (let v = 0; v <= ceiling * 1.001; v += tick) ticks.push(v);
          const L = 9 + 6.6 * Math.max(...ticks.map(v => chart.show(v).length));
          const x = t => L + (t - chart.from) / (chart.to - chart.from) * (W - L - R);
          const y = v => T + (1 - v / ceiling) * (H - T - B);
          const svg = draw("svg", { viewBox: "0 0 " + W + " " + H, role: "img", tabindex: "0" });
          for (const v of ticks) {
            svg.append(draw("line", { class: "grid", x1: L, x2: W - R, y1: y(v), y2: y(v) }));
            svg.append(draw("text", { x: L - 7, y: y(v) + 4, "text-anchor": "end" }, chart.show(v)));
          }
          const spanSeconds = chart.to - chart.from;
          const every = [900, 3600, 14400, 21600, 86400, 604800, 2592000, 5184000].find(s => spanSeconds / s <= 6.5) ?? 1e9;
          const zone = new Date().getTimezoneOffset() * 60;
          for (let t = Math.ceil((chart.from - zone) / every) * every + zone; t < chart.to; t += every) {
            const label = every < 86400 ? clock(t * 1000).slice(0, 5) : day(t * 1000);
            if (x(t) > L + 12 && x(t) < W - 14) svg.append(draw("text", { x: x(t), y: H - 4, "text-anchor": "middle" }, label));
          }
          chart.series.forEach((series, index) => {
            if (chart.bars) {
              const width = Math.max(1, chart.step / spanSeconds * (W - L - R) - 1);
              for (const [t, v] of series.points) if (v > 0) {
                svg.append(draw("rect", { x: Math.max(L, x(t)), y: y(v), width, height: Math.max(0.5, y(0) - y(v)), rx: 1, fill: colour(index) }));
              }
              return;
            }
            // A step without a sample is a gap, not a line.
            let run = [], runs = [run], last = null;
            for (const [t, v] of series.points) {
              if (v == null || (last != null && t - last > chart.step * 2.5)) { if (run.length) runs.push(run = []); }
              if (v != null) { run.push(x(t + chart.step / 2).toFixed(1) + "," + y(v).toFixed(1)); last = t; }
            }
            for (const points of runs) if (points.length) {
              const end = points.length === 1 ? [...points, (parseFloat(points[0]) + 2) + "," + points[0].split(",")[1]] : points;
              if (chart.series.length === 1 && end.length > 2) {
                const edge = p => p.split(",")[0];
                svg.append(draw("polygon", { points: edge(end[0]) + "," + y(0) + " " + end.join(" ") + " " + edge(end[end.length - 1]) + "," + y(0),
                  fill: colour(index), "fill-opacity": ".1" }));
              }
              svg.append(draw("polyline", { points: end.join(" "), fill: "none", stroke: colour(index), "stroke-width": "1.6", "stroke-linejoin": "round" }));
            }
          });
          const latest = chart.series.map(s => [s.name, s.points.filter(p => p[1] != null).at(-1)]).filter(p => p[1]);
          const rest = chart.sum != null ? chart.sum : latest.map(([name, p]) => (chart.series.length > 1 ? name + " " : "") + chart.show(p[1])).join(" · ");
          say(now, rest);
          svg.setAttribute("aria-label", chart.title + ". Highest " + chart.show(highest) + ". Now " + rest + ".");
          const cursor = draw("line", { class: "cursor", y1: T, y2: H - B, visibility: "hidden" });
          svg.append(cursor);
          const look = t => {
            const near = chart.series.map(s => [s.name, s.points.reduce((a, p) => p[1] != null && (!a || Math.abs(p[0] - t) < Math.abs(a[0] - t)) ? p : a, null)])
              .filter(p => p[1] && Math.abs(p[1][0] - t) <= chart.step * 2);
            cursor.setAttribute("visibility", near.length ? "visible" : "hidden");
            if (!near.length) return say(now, rest);
            const at = near[0][1][0];
            cursor.setAttribute("x1", x(at + chart.step / 2)); cursor.setAttribute("x2", x(at + chart.step / 2));
            say(now, moment(at * 1000) + "  " + near.map(([name, p]) => (chart.series.length > 1 ? name + " " : "") + chart.show(p[1])).join(" · "));
          };
          let place = chart.to;
          const leave = () => { cursor.setAttribute("visibility", "hidden"); say(now, rest); };
          svg.addEventListener("pointermove", e => { const box = svg.getBoundingClientRect();
            place = chart.from + ((e.clientX - box.left) / box.width * W - L) / (W - L - R) * spanSeconds; look(place); });
          svg.addEventListener("pointerleave", leave); svg.addEventListener("blur", leave);
          svg.addEventListener("keydown", e => {
            if (e.key !== "ArrowLeft" && e.key !== "ArrowRight") return;
            e.preventDefault();
            place = Math.min(chart.to, Math.max(chart.from, place + (e.key === "ArrowLeft" ? -chart.step : chart.step))); look(place);
          });
          figure.append(svg);
        }
        """#
}
