/// The local page's document. Everything that changes is filled in by `WebScript`; without a script it says where the figures are.
enum WebDocument {
    static let html = #"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta name="robots" content="noindex">
        <title>adit miner</title>
        <link rel="icon" href="/page.svg" type="image/svg+xml">
        <link rel="stylesheet" href="/page.css">
        <script src="/page.js" defer></script>
        </head>
        <body>
        <a class="skip" href="#now">Skip to what the miner does now</a>
        <header>
          <div class="brand"><svg viewBox="0 0 32 32" aria-hidden="true"><path d="M3 28V15a13 13 0 0 1 26 0v13h-6V15a7 7 0 0 0-14 0v13z"/></svg><span>adit</span></div>
          <p id="state" class="pill" role="status" aria-live="polite"><i></i><span>connecting</span></p>
          <p id="facts" class="faint"></p>
          <nav id="controls" aria-label="Control">
            <button type="button" data-do="pause">Pause</button>
            <button type="button" data-do="resume">Resume</button>
            <button type="button" data-do="drain">Drain</button>
          </nav>
        </header>
        <main>
          <p id="notice" role="alert" hidden></p>
          <noscript><p>This page needs JavaScript. The figures are at <a href="/status">/status</a> and <a href="/history">/history</a>.</p></noscript>

          <section id="now" aria-labelledby="now-title">
            <h1 id="now-title">Looking for the miner</h1>
            <p id="meaning"></p>
            <p id="remedy" class="faint"></p>
            <dl id="figures"></dl>
            <div id="jobs"></div>
          </section>

          <section aria-labelledby="devices-title">
            <h2 id="devices-title">Devices</h2>
            <div id="devices"></div>
          </section>

          <section aria-labelledby="history-title">
            <div class="row"><h2 id="history-title">History</h2>
              <div id="range" role="group" aria-label="How far back">
                <button type="button" data-hours="1">hour</button><button type="button" data-hours="24">day</button><button
                  type="button" data-hours="168">week</button><button type="button" data-hours="744">month</button><button type="button" data-hours="8760">year</button>
              </div>
            </div>
            <div id="legend" class="faint"></div>
            <div id="charts"></div>
          </section>

          <section aria-labelledby="receipts-title">
            <div class="row"><h2 id="receipts-title">Receipts</h2><p id="phases" class="faint"></p></div>
            <div id="receipts"></div>
          </section>

          <section aria-labelledby="events-title">
            <div class="row"><h2 id="events-title">What happened</h2><p id="live" class="faint">not live</p></div>
            <ol id="events"></ol>
          </section>
        </main>
        <footer><dl id="about"></dl></footer>

        <dialog id="ask" aria-labelledby="ask-title">
          <form method="dialog">
            <h2 id="ask-title">The miner's token</h2>
            <p>Reading is open on this machine; pausing is not. The token is in the miner's folder:</p>
            <pre id="ask-hint">cat data/miner/token</pre>
            <label for="token">Token</label>
            <input id="token" type="password" autocomplete="off" spellcheck="false" maxlength="256">
            <p class="faint">It is kept until this tab is closed, and sent to this miner alone.</p>
            <div class="row"><button value="cancel" formnovalidate>Cancel</button><button id="ask-go" value="go" class="main">Go on</button></div>
          </form>
        </dialog>
        </body>
        </html>
        """#

    /// The mouth of an adit.
    static let icon = ##"""
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="#0f766e" d="M3 28V15a13 13 0 0 1 26 0v13h-6V15a7 7 0 0 0-14 0v13z"/></svg>
        """##
}
