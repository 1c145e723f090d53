import { useState } from "preact/hooks";
import { ends } from "../format";
import { t } from "../words";
import { Field, Form, Picture, type Problem, Title } from "./parts";
import { MOST_CONTACTS, MOST_NAME, contacts, namedAlike, setContact } from "./private";
import { go, params, requested, setParam } from "./route";
import { formatRequest } from "./request";
import { record } from "./state";

/** Whom the person knows. The names stay on this device, under the wallet's key. */
export function People() {
  const [wallet, setWallet] = useState(params.value.get("wallet") ?? "");
  const [name, setName] = useState("");
  const [problems, setProblems] = useState<{ wallet?: Problem; name?: Problem }>({});
  const text = (params.value.get("q") ?? "").toLowerCase();
  const found = contacts.value.filter((c) => c.name.toLowerCase().includes(text) || c.wallet.includes(text));
  return (
    <>
      <Title text="nav.people" />
      <p>{t("people.about")}</p>
      {contacts.value.length > 5 && <Field label="history.search" value={params.value.get("q") ?? ""} change={(v) => setParam("q", v)} />}
      {contacts.value.length === 0 && <p class="dim">{t("people.none")}</p>}
      <ul class="lines">
        {found.map((c) => (
          <li key={c.wallet}>
            <Picture of={c.wallet} />
            <span>
              <b>{c.name}</b>
              <br />
              <span class="dim id">{ends(c.wallet)}</span>
            </span>
            <span class="acts tight">
              <button
                onClick={() => {
                  requested.value = formatRequest({ network: record.value!.network, to: c.wallet });
                  go("pay");
                }}
                aria-label={t("people.pay", { name: c.name })}
              >
                {t("nav.pay")}
              </button>
              <button onClick={() => void setContact(c.wallet, "")} aria-label={t("people.remove", { name: c.name })}>
                ✕
              </button>
            </span>
          </li>
        ))}
      </ul>
      <section class="card">
        <h2>{t("people.add")}</h2>
        <Form
          button={t("people.save")}
          submit={async () => {
            const id = wallet.trim().toLowerCase();
            const called = name.trim();
            if (!/^[0-9a-f]{32}$/.test(id)) return setProblems({ wallet: "bank.bad-number" });
            if (id === record.value?.wallet) return setProblems({ wallet: "pay.self" });
            if (called === "" || [...called].length > MOST_NAME) return setProblems({ name: "people.bad-name" });
            if (namedAlike(id, called)) return setProblems({ name: "people.name-taken" });
            if (contacts.value.length >= MOST_CONTACTS) return setProblems({ name: "people.full" });
            await setContact(id, called);
            setProblems({});
            setWallet("");
            setName("");
            setParam("wallet", "");
          }}
        >
          <Field label="bank.number" value={wallet} change={setWallet} problem={problems.wallet} />
          <Field label="people.name" value={name} change={setName} problem={problems.name} />
        </Form>
      </section>
    </>
  );
}
