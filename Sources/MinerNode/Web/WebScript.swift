/// The second half of the local page's script: what is asked of the miner, and where it goes on the page.
enum WebScript {
    static let script = #"""

        const every = 2000;
        let hours = 24, failures = 0, view = null, report = null, reportAt = 0, receiptsAt = 0, stream = null, reasons = {};

        async function get(path) {
          const answer = await fetch(path, { headers: { Accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(8000) });
          if (!answer.ok) throw new Error(path + " answered " + answer.status);
          return answer.json();
        }
        function notice(text) { const node = $("notice"); say(node, text ?? ""); node.hidden = !text; }

        const words = { idle: "Waiting for work", computing: "Working", working: "Working", paused: "Paused", draining: "Finishing what it holds", starting: "Starting",
          stopping: "Stopping" };

        function showNow(v) {
          const word = words[v.state] ?? v.state;
          const pill = $("state");
          pill.className = "pill" + (v.is_troubled ? " warn" : "");
          say(pill.querySelector("span"), word.toLowerCase());
          document.title = word + " – adit miner";
          const placed = v.placement, lower = placed && placed.tier !== placed.claimed;
          say($("facts"), [lower ? "tier " + placed.tier + ", claims " + placed.claimed : v.tier ? "tier " + v.tier : null, v.chain].filter(x => x).join(" · "));
          say($("now-title"), word);
          const idle = v.state === "idle";
          say($("meaning"), v.reason ? sentence(v.reason.meaning) : idle ? "The coordinator is asked for work all the time." : "");
          say($("remedy"), v.reason && v.reason.remedy && v.reason.remedy !== "nothing" ? sentence(v.reason.remedy) : "");
          const paused = v.state === "paused" || v.state === "draining";
          for (const button of document.querySelectorAll("#controls button")) {
            const there = { pause: "paused", drain: "draining" }[button.dataset.do];
            button.disabled = v.state === "stopping" || (there ? v.state === there : !paused);
          }
          const all = v.devices.filter(d => d.usable), sum = (name, list) => list.some(d => d[name] != null) ? list.reduce((a, d) => a + (d[name] ?? 0), 0) : null;
          const figure = (name, value, more) => el("div", {}, el("dt", {}, name), el("dd", {}, value, more ? el("small", {}, " " + more) : null));
          put($("figures"),
            figure("AIT, last hour", coins(v.hour.earned), count(v.hour.paid) + " paid"), figure("AIT, last day", coins(v.day.earned), count(v.day.paid) + " paid"),
            figure("Jobs, last day", count(v.day.jobs), v.day.failed + v.day.rejected ? count(v.day.failed + v.day.rejected) + " failed" : count(v.hour.jobs) + " last hour"),
            figure("Rate, last minute", rate(sum("rate", all))), figure("Power", watts(sum("power", v.devices))));
          put($("jobs"), ...v.jobs.slice(0, 12).map(job => el("div", { class: "job" },
            el("div", {}, job.kernel + " ", el("span", { class: "faint" }, job.stage + (job.device ? " on " + job.device : ""))),
            el("progress", { max: 1, value: job.progress, "aria-label": job.kernel + " " + job.id }), el("div", { class: "num" }, Math.floor(job.progress * 100) + " %"))),
            v.jobs.length > 12 ? el("p", { class: "faint" }, "and " + (v.jobs.length - 12) + " more") : null);
        }

        function showDevices(v) {
          if (!v.devices.length) return put($("devices"), el("p", { class: "empty" }, "No device yet. They are looked for and tested when the miner starts; adit doctor says what is missing."));
          const cell = (name, value) => el("div", { class: "cell" }, el("b", {}, name), value);
          put($("devices"), ...v.devices.map(d => el("div", { class: "device" },
            el("div", {}, el("h3", {}, d.name), el("div", { class: "model" }, d.model + (d.joules_per_unit == null ? "" : " · " + three(d.joules_per_unit) + " J a unit"))),
            ...(d.usable ? [cell("rate", rate(d.rate)), cell("busy", percent(d.busy)), cell("temp", degrees(d.temperature)), cell("power", watts(d.power)), cell("pace", percent(d.duty)),
              d.trend.some(x => x > 0) ? spark(d.trend) : el("span", { class: "faint" }, "")] : []),
            d.reason || !d.usable ? el("p", { class: "why " + (d.usable ? "warn" : "bad") },
              (d.usable ? "" : "Not used: ") + (d.reason ? [d.reason.code, d.reason.meaning].filter(x => x).join(": ") + "." : "no reason is known"),
              d.reason && d.reason.remedy && d.reason.remedy !== "nothing" ? el("span", { class: "faint" }, " " + sentence(d.reason.remedy)) : null) : null)));
        }

        function showHistory(r) {
          const charts = $("charts");
          if (charts.matches(":hover")) return;
          charts.replaceChildren();
          const devices = r.devices.filter(d => d.points.length);
          const series = column => devices.filter(d => d.points.some(p => p[column] != null)).map(d => ({ name: d.name, points: d.points.map(p => [p[0], p[column]]) }));
          put($("legend"), ...(devices.length > 1 ? devices.map((d, i) => { const mark = el("i"); mark.style.background = colour(i); return el("span", {}, mark, d.name); }) : []));
          const base = { from: r.from, to: r.to, step: r.device_step_seconds };
          const earned = r.work.reduce((a, p) => a + p[6], 0), jobs = r.work.reduce((a, p) => a + p[1], 0);
          chart(charts, { ...base, title: "Rate", series: series(1), show: rate, empty: "A line begins here ten seconds after the miner's start." });
          chart(charts, { ...base, title: "AIT", bars: true, step: r.work_step_seconds, series: [{ name: "AIT", points: r.work.map(p => [p[0], p[6] / 1e6]) }].filter(s => s.points.length),
            show: v => v === 0 ? "0" : v < 0.01 ? v.toPrecision(2) : String(+v.toFixed(3)), sum: coins(earned) + " for " + count(jobs) + " jobs",
            empty: "Bars come with the first receipt that is paid." });
          chart(charts, { ...base, title: "Temperature", series: series(3), show: degrees, empty: "No temperature can be read here. adit doctor says which sensors there are." });
          chart(charts, { ...base, title: "Power", series: series(4), show: watts, empty: "No power can be read here: RAPL often needs root. adit doctor says more." });
          for (const button of document.querySelectorAll("#range button")) button.setAttribute("aria-pressed", String(+button.dataset.hours === hours));
        }

        const steps = [["inputs_ready", "inputs"], ["computed", "computed"], ["committed", "sent"], ["signed", "signed"], ["claim_sent", "claimed"], ["paid", "paid"]];
        function road(receipt) {
          const times = receipt.times_ms, bar = el("div", { class: "steps", "aria-hidden": "true" }), words = el("div", { class: "times" });
          let before = times.leased;
          steps.forEach(([key, name], i) => {
            if (before == null || times[key] == null) return;
            const took = Math.max(0, times[key] - before), part = el("i"), dot = el("i");
            before = Math.max(before, times[key]);
            part.style.flexGrow = String(Math.sqrt(took + 1)); part.style.background = dot.style.background = "var(--s" + i + ")";
            bar.append(part); words.append(el("span", {}, dot, name + " " + span(took)));
          });
          return [bar, words];
        }
        function showReceipts(list) {
          if (!list.length) return put($("receipts"), el("p", { class: "empty" }, "No receipt yet. One appears here when the first job is computed, and can be followed until it is paid."));
          // What a receipt brings to the payout, as in the sums above; its price while the chain's rules aren't known here.
          const isKnown = list.every(r => r.earned != null || r.phase === "rejected"), amount = isKnown ? "AIT" : "Price";
          const brings = r => !isKnown ? coins(r.price) : r.earned == null ? "–" : coins(r.earned);
          const head = el("tr", {}, ...["Receipt", "Stands at", "Units", amount, "From the lease on"].map((name, i) => el("th", { scope: "col", class: i === 2 || i === 3 ? "num" : null }, name)));
          put($("receipts"), el("table", {}, el("thead", {}, head), el("tbody", {}, ...list.map(r => el("tr", {},
            el("td", {}, el("span", { class: "mono", title: r.receipt_id }, r.receipt_id.slice(0, 13)), el("div", { class: "times" }, r.times_ms.leased ? moment(r.times_ms.leased) : "")),
            el("td", { class: r.phase === "rejected" ? "bad" : null }, r.phase),
            el("td", { class: "num", "data-name": "units" }, count(r.compute_units)), el("td", { class: "num", "data-name": amount }, brings(r)),
            el("td", { class: "road" }, ...road(r), r.reason ? el("p", { class: r.phase === "rejected" ? "bad" : "warn" }, r.reason.code + ": " + (r.reason.detail ?? "")) : null))))));
        }
        function showPhases(v) {
          say($("phases"), ["computed", "attested", "claiming", "paid", "rejected"].map(p => count(v.receipts[p]) + " " + p).join(" · "));
        }

        function line(event) {
          const facts = event.facts ?? {}, item = el("li", {}, el("time", { datetime: new Date(event.time_ms).toISOString() }, moment(event.time_ms)));
          const text = el("p", {}, el("b", {}, event.event.replaceAll("_", " ")));
          if (event.reason) text.append(el("span", { class: "warn" }, " " + event.reason));
          const rest = event.meaning ? event.meaning : facts.detail ?? facts.note ?? ["kernel", "job_id", "tier", "gflops", "device"].filter(k => facts[k] != null).map(k => k + " " + facts[k]).join(", ");
          if (rest) text.append(el("span", { class: "faint" }, " " + sentence(rest) + (event.remedy && event.remedy !== "nothing" ? ". " + sentence(event.remedy) : "")));
          item.append(text);
          return item;
        }
        function addEvent(event, atEnd) {
          const list = $("events");
          if (list.dataset.empty) { delete list.dataset.empty; list.replaceChildren(); }
          atEnd ? list.append(line(event)) : list.prepend(line(event));
          while (list.children.length > 100) list.lastElementChild.remove();
        }
        async function pastEvents() {
          const { events } = await get("/history/events?limit=60");
          $("events").replaceChildren();
          for (const event of events) addEvent(event, true);
          if (!events.length) { $("events").dataset.empty = "1"; $("events").append(el("li", {}, el("p", { class: "empty" }, "Nothing yet. Starts, refusals, throttling and faults are listed here with their reasons, and kept."))); }
        }
        function listen() {
          stream = new EventSource("/events");
          stream.onopen = () => say($("live"), "live");
          stream.onerror = () => { say($("live"), stream.readyState === 2 ? "looked up every ten seconds" : "not live: trying again"); };
          const hear = message => {
            try {
              const data = JSON.parse(message.data), facts = data.facts ?? {}, code = facts.reason ?? facts.code, known = reasons[code] ?? {};
              addEvent({ event: data.event ?? message.type, time_ms: data.time_ms ?? Date.now(), reason: code, meaning: known.meaning, remedy: known.remedy, facts });
            } catch { /* not an event of ours */ }
          };
          for (const name of view.event_names) stream.addEventListener(name, hear);
        }

        function showAbout(v) {
          const p = v.placement, d = v.download, mega = bytes => (bytes / 1e6).toFixed(1);
          const placed = !p ? "the coordinator has not said" : p.tier === p.claimed ? p.tier + ", as claimed"
            : p.tier + ", not " + p.claimed + (p.reason ? ": " + p.reason.meaning + ". " + sentence(p.reason.remedy) : "");
          const download = d ? mega(d.bytes_per_second) + " MB/s over the last " + mega(d.bytes) + " MB" : "speed not known: no input of 1 MiB or more has come yet";
          const rows = [["address", v.address], ["payout", v.payout], ["coordinator", v.coordinator], ["placed", placed], ["download", download], ["node", v.node],
            ["version", v.version]].filter(r => r[1]);
          put($("about"), ...rows.flatMap(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]));
        }

        async function look() {
          try {
            view = await get("/view");
            showNow(view); showDevices(view); showPhases(view); showAbout(view);
            const now = Date.now();
            if (now - receiptsAt > 4000) { receiptsAt = now; showReceipts((await get("/receipts?limit=20")).receipts); }
            if (now - reportAt > (hours <= 24 ? 10000 : 60000)) { reportAt = now; report = await get("/history?hours=" + hours); showHistory(report);
              if (!stream || stream.readyState === 2) await pastEvents();
              if (!stream) { for (const reason of (await get("/reasons")).reasons) reasons[reason.code] = reason; listen(); } }
            if (failures) notice(null);
            failures = 0;
          } catch (error) {
            failures += 1;
            if (failures > 1) {
              notice("The miner doesn't answer here any more (" + error.message + "). This page tries again by itself; is it still running?");
              $("state").className = "pill bad"; say($("state").querySelector("span"), "no answer");
              say($("now-title"), "No answer from the miner"); say($("meaning"), view ? "What stands below is from " + clock(view.now) + "." : ""); say($("remedy"), "");
              document.title = "No answer – adit miner";
            }
          }
          setTimeout(look, document.hidden ? 5 * every : every);
        }

        function ask(hint) {
          const dialog = $("ask"), input = $("token");
          input.value = "";
          say($("ask-hint"), hint);
          dialog.returnValue = "";
          dialog.showModal(); input.focus();
          return new Promise(done => dialog.addEventListener("close", () => done(dialog.returnValue === "go" ? input.value.trim() : null), { once: true }));
        }
        async function control(what) {
          let token = sessionStorage.getItem("token");
          token ??= await ask(view?.token_hint ?? "cat data/miner/token");
          if (!token) return;
          let answer;
          try { answer = await fetch("/control/" + what, { method: "POST", headers: { Authorization: "Bearer " + token } }); } catch (error) { return notice("Not done: " + error.message); }
          if (answer.ok) { sessionStorage.setItem("token", token); notice(null); return; }
          sessionStorage.removeItem("token");
          let detail = "the miner answered " + answer.status;
          try { detail = (await answer.json()).detail ?? detail; } catch { /* not a problem document */ }
          notice("Not done: " + detail);
        }

        $("token").addEventListener("keydown", event => { if (event.key === "Enter") { event.preventDefault(); $("ask-go").click(); } });
        for (const button of document.querySelectorAll("#controls button")) button.addEventListener("click", () => control(button.dataset.do));
        for (const button of document.querySelectorAll("#range button")) button.addEventListener("click", async () => {
          hours = +button.dataset.hours; reportAt = Date.now();
          try { report = await get("/history?hours=" + hours); showHistory(report); } catch (error) { notice(error.message); }
        });
        let resized; addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(() => report && showHistory(report), 200); });
        look();
        """#
}
