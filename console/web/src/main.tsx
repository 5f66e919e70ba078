import { useSignal } from "@preact/signals";
import { render } from "preact";
import type { ComponentChildren, FunctionComponent } from "preact";
import { useEffect, useErrorBoundary, useRef } from "preact/hooks";
import { begin, signOut, who } from "./api";
import { link, place } from "./state";
import { guardText } from "./text";
import { BuilderPage } from "./pages/builder";
import { CatalogPage } from "./pages/catalog";
import { ConfigurationPage } from "./pages/configuration";
import { ExplainPage } from "./pages/explain";
import { KeysPage } from "./pages/keys";
import { MinePage } from "./pages/mine";
import { OverviewPage } from "./pages/overview";
import { ProvidersPage } from "./pages/providers";
import { RequestPage, RequestsPage } from "./pages/requests";
import { RulesPage } from "./pages/rules";
import { SetupPage } from "./pages/setup";
import { SignInPage } from "./pages/signin";
import { Empty, Title } from "./ui";

interface Entry { page: string; name: string; press: string; show: FunctionComponent; group: string }

const PAGES: Entry[] = [
  { page: "overview", name: "Overview", press: "o", show: OverviewPage, group: "Watch" },
  { page: "mine", name: "My key", press: "m", show: MinePage, group: "Watch" },
  { page: "requests", name: "Requests", press: "r", show: RequestsPage, group: "Watch" },
  { page: "providers", name: "Providers", press: "p", show: ProvidersPage, group: "Watch" },
  { page: "keys", name: "Keys and spend", press: "k", show: KeysPage, group: "Watch" },
  { page: "rules", name: "Rules", press: "l", show: RulesPage, group: "Route" },
  { page: "explain", name: "Explain", press: "e", show: ExplainPage, group: "Route" },
  { page: "builder", name: "Rule builder", press: "b", show: BuilderPage, group: "Route" },
  { page: "setup", name: "Set up a client", press: "s", show: SetupPage, group: "Know" },
  { page: "configuration", name: "Configuration", press: "c", show: ConfigurationPage, group: "Know" },
  { page: "catalog", name: "Catalog", press: "a", show: CatalogPage, group: "Know" },
];

/** A fault of a page leaves the others reachable. */
function Caught({ children }: { children: ComponentChildren }) {
  const [error, reset] = useErrorBoundary();
  if (!error) return <>{children}</>;
  return <div class="wrong" role="alert"><span class="mark" aria-hidden="true">!</span><span>{`This page has a fault: ${String(error?.message ?? error)}`}</span><button type="button" onClick={reset}>Try again</button></div>;
}

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function useKeys(pages: Entry[], help: (shown: boolean) => void): void {
  const waiting = useRef(false);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key === "Escape") help(false);
      if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (waiting.current) {
        waiting.current = false;
        const found = pages.find((page) => page.press === event.key);
        if (found) location.hash = link(found.page);
      } else if (event.key === "g") {
        waiting.current = true;
        setTimeout(() => { waiting.current = false; }, 1500);
      } else if (event.key === "/") {
        const field = document.getElementById("search");
        if (field) { event.preventDefault(); field.focus(); }
      } else if (event.key === "?") help(true);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [pages]);
}

function Help({ pages, close }: { pages: Entry[]; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => { dialog.current?.showModal(); }, []);
  return (
    <dialog ref={dialog} onClose={close} aria-label="Keys">
      <h2>Keys</h2>
      <dl class="facts">
        {pages.map((page) => <div><dt><kbd>g</kbd> <kbd>{page.press}</kbd></dt><dd>{page.name}</dd></div>)}
        <div><dt><kbd>/</kbd></dt><dd>Search</dd></div>
        <div><dt><kbd>?</kbd></dt><dd>These keys</dd></div>
      </dl>
      <form method="dialog"><button type="submit">Close</button></form>
    </dialog>
  );
}

function Shell() {
  const me = who.value!;
  const pages = PAGES.filter((page) => me.pages.includes(page.page));
  const name = place.value.page || pages[0]!.page;
  const page = pages.find((page) => page.page === name);
  const help = useSignal(false);
  const open = useSignal(false);
  const main = useRef<HTMLElement>(null);
  useKeys(pages, (shown) => { help.value = shown; });
  const where = `${name}/${place.value.rest}`;
  const before = useRef(where);
  useEffect(() => {
    document.title = `${page?.name ?? "Not found"} - Fairlead`;
    open.value = false;
    if (before.current !== where) { main.current?.focus(); scrollTo(0, 0); }
    before.current = where;
  }, [where]);
  const Show = name === "requests" && place.value.rest ? RequestPage : page?.show;
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>To the page</a>
      <div class={`side ${open.value ? "open" : ""}`}>
        <div class="brand">
          <img src="/console.svg" alt="" width={22} height={22} /><b>Fairlead</b>
          <button type="button" class="menu" aria-expanded={open.value} aria-controls="pages" onClick={() => { open.value = !open.value; }}>Menu</button>
        </div>
        <nav id="pages" aria-label="Pages">
          {["Watch", "Route", "Know"].map((group) => {
            const found = pages.filter((page) => page.group === group);
            return found.length > 0 && <div><h2>{group}</h2>{found.map((one) => <a href={link(one.page)} aria-current={one.page === name ? "page" : undefined}>{one.name}</a>)}</div>;
          })}
        </nav>
        <div class="me">
          <span title={me.name}>{me.name}</span>
          {me.namespaces && <span class="faint">{me.namespaces.join(", ")}</span>}
          <span class="row"><button type="button" onClick={() => { help.value = true; }}>Keys</button><button type="button" onClick={signOut}>Sign out</button></span>
        </div>
      </div>
      <main id="main" ref={main} tabIndex={-1}>
        <Caught key={where}>{Show ? <Show key={where} /> : <><Title>Not found</Title><Empty>There is no such page, or it is not for you. <a href={link(pages[0]!.page)}>{pages[0]!.name}</a></Empty></>}</Caught>
      </main>
      {help.value && <Help pages={pages} close={() => { help.value = false; }} />}
    </>
  );
}

function App() {
  if (who.value === undefined) return null;
  return who.value === null ? <SignInPage /> : <Shell />;
}

guardText();
void begin();
const root = document.createElement("div");
root.id = "app";
document.body.append(root);
render(<App />, root);
