import { useState } from "preact/hooks";
import { t } from "../words";
import { Field, Form, Title } from "../wallet/parts";
import { Trouble, useLoaded } from "./parts";
import { hindrance, join, play, signIn } from "./passkeys";
import { rolesInWords } from "./roles";
import { account, accountOf, go, link, network, noteSignedIn, wanted } from "./state";
import { type Json, ask } from "./api";

function enter(session: Json): void {
  account.value = accountOf(session.account as Json);
  noteSignedIn();
  link.value = "";
  go("account");
}

interface Part {
  readonly name: string;
  readonly roles: readonly string[];
}

async function parts(): Promise<readonly Part[]> {
  const { staff } = (await ask("/v1/demo")) as { staff: Json[] };
  return staff.map((p) => ({ name: String(p.name), roles: (p.roles as string[]).map(String) }));
}

/** The staff of the story, on its own network: one of them alone, or all. Elsewhere there is nobody to choose. */
function Parts({ only = "", then }: { only?: string; then: (session: Json) => void }) {
  const loaded = useLoaded(parts, []);
  const [error, setError] = useState<unknown>(undefined);
  const [busy, setBusy] = useState(false);
  const shown = (loaded.value ?? []).filter((p) => only === "" || p.name === only);
  if (shown.length === 0) return only === "" || !loaded.value ? null : <p role="alert">{t("demo.nobody")}</p>;
  const be = async (name: string) => {
    setBusy(true);
    setError(undefined);
    try {
      then(await play(name));
    } catch (e) {
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <section class="card" aria-label={t("demo.title")}>
      <h2>{t("demo.title")}</h2>
      <p>{t("demo.about")}</p>
      <p class="acts">
        {shown.map((p) => (
          <button key={p.name} disabled={busy} onClick={() => void be(p.name)}>
            <span class="quoted">{p.name}</span>: {rolesInWords(p.roles)}
          </button>
        ))}
      </p>
      <Trouble error={error} />
    </section>
  );
}

/** A link of the story leads here first: its page is shown to who the link is about. */
export function Wanted() {
  return (
    <>
      <Title text="demo.title" />
      <Parts
        only={wanted.value}
        then={(session) => {
          account.value = accountOf(session.account as Json);
          noteSignedIn();
          wanted.value = "";
        }}
      />
      <p class="acts">
        <button onClick={() => (wanted.value = "")}>{t("demo.stay")}</button>
      </p>
    </>
  );
}

/** Why there are no passkeys here, and where there are. */
function Hindered({ why }: { why: NonNullable<ReturnType<typeof hindrance>> }) {
  const here = location.hostname === "127.0.0.1" || location.hostname === "[::1]";
  const there = `${location.protocol}//localhost${location.port === "" ? "" : `:${location.port}`}/sign-in${link.value === "" ? "" : `#join?${link.value}`}`;
  return (
    <div class="note" role="status">
      <p>{t(why)}</p>
      {why === "passkey.address" && here && <a href={there}>{t("passkey.localhost")}</a>}
    </div>
  );
}

/** The way in: with a one-time link an account and its passkey are made, without one the passkey is used. */
export function SignIn() {
  const [name, setName] = useState("");
  const [error, setError] = useState<unknown>(undefined);
  const [nameless, setNameless] = useState(false);
  const why = hindrance();
  const attempt = (way: () => Promise<Json>) => async () => {
    setError(undefined);
    try {
      enter(await way());
    } catch (e) {
      setError(e);
    }
  };
  if (link.value !== "") {
    return (
      <>
        <Title text="join.title" />
        <p>{t("join.about")}</p>
        {why ? (
          <Hindered why={why} />
        ) : (
          <Form button={t("join.make")} submit={async () => {
              setNameless(name.trim() === "");
              if (name.trim() !== "") await attempt(() => join(link.value, name.trim()))();
            }}
          >
            <Field label="join.name" value={name} change={setName} autocomplete="name" problem={new TextEncoder().encode(name).length > 64 ? "join.long" : nameless && name.trim() === "" ? "join.empty" : undefined} />
          </Form>
        )}
        <Trouble error={error} />
      </>
    );
  }
  return (
    <>
      <Title text="sign-in.title" />
      <p>{t("sign-in.about")}</p>
      {why ? (
        <Hindered why={why} />
      ) : (
        <Form button={t("sign-in.use")} submit={attempt(signIn)}>
          <p class="dim">{t("sign-in.first")}</p>
        </Form>
      )}
      <Trouble error={error} />
      {network.value?.open && <Parts then={enter} />}
    </>
  );
}
