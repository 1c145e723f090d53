import { useState } from "preact/hooks";
import { t } from "../words";
import { Field, Form, Title } from "../wallet/parts";
import { Trouble } from "./parts";
import { hindrance, join, signIn } from "./passkeys";
import { account, accountOf, go, link, noteSignedIn } from "./state";
import type { Json } from "./api";

function enter(session: Json): void {
  account.value = accountOf(session.account as Json);
  noteSignedIn();
  link.value = "";
  go("account");
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
    </>
  );
}
