import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Failure, post, welcome, who } from "../api";
import type { Who } from "../types";
import { Field, Wrong } from "../ui";

export function SignInPage() {
  const way = useSignal<"token" | "key">("token");
  const failure = useSignal<Failure | undefined>(undefined);
  const busy = useSignal(false);
  const field = useRef<HTMLInputElement>(null);
  const go = async () => {
    busy.value = true;
    try {
      who.value = await post<Who>("session", { [way.value]: field.current!.value.trim() });
    } catch (error) {
      failure.value = error as Failure;
      field.current?.select();
    }
    busy.value = false;
  };
  const choose = (one: "token" | "key") => { way.value = one; failure.value = undefined; field.current?.focus(); };
  return (
    <main class="signin">
      <form class="panel" onSubmit={(event) => { event.preventDefault(); void go(); }}>
        <img src="/console.svg" alt="" width={40} height={40} />
        <h1>Fairlead</h1>
        {welcome.value.holders && <div class="ways" role="group" aria-label="Sign in as">
          <button type="button" aria-pressed={way.value === "token"} onClick={() => choose("token")}>Operator</button>
          <button type="button" aria-pressed={way.value === "key"} onClick={() => choose("key")}>Holder of a key</button>
        </div>}
        <Field label={way.value === "token" ? welcome.value.token : "Virtual key"}><input ref={field} type="password" name="secret" autocomplete="off" required autofocus /></Field>
        <Wrong failure={failure.value} />
        <button type="submit" class="primary" disabled={busy.value}>{busy.value ? "Signing in" : "Sign in"}</button>
        <p class="faint">{way.value === "token" ? welcome.value.hint : "You see what your key has used, what is left of its limits, and its last requests; nobody else's."}</p>
      </form>
    </main>
  );
}
