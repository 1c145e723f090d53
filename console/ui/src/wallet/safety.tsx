import { useEffect, useState } from "preact/hooks";
import { moment, money, parseAmount } from "../format";
import { type Key, counted, language, t } from "../words";
import type { DelegationLine } from "./client";
import { codeOf } from "./codeof";
import { delegationLink } from "./desk";
import { cancelPending, newKey, setRecovery } from "./keys";
import { installable, install } from "./install";
import { type Card, LearnLink, type Term, What } from "./learnlink";
import { passkeyPossible } from "./passkey";
import { Choice, Field, Form, Later, type Problem, Title } from "./parts";
import { setSettings, settings } from "./private";
import { Refused } from "./refused";
import { go } from "./route";
import { Recovery } from "./written";
import { balance, client, lock, nodeNow, record, seedWith, setDeviceLock, signedIn, signer } from "./state";
import { type Bytes, unhex } from "../ledger/bytes";

const served = () => import("./served").then((m) => m.Served);
const code = () => import("./code").then((m) => m.Code);

export function Safety() {
  const [seed, setSeed] = useState<Awaited<ReturnType<typeof seedWith>>>(undefined);
  const [second, setSecond] = useState<Bytes | undefined>(undefined);
  const [code, setCode] = useState<string | undefined>(undefined);
  if (seed) {
    return (
      <Recovery
        seed={seed}
        done={() => {
          seed.fill(0);
          setSeed(undefined);
        }}
      />
    );
  }
  if (second) {
    return (
      <Recovery
        second
        seed={second}
        done={(written) => {
          const set = written ? setRecovery(second) : Promise.resolve();
          void set
            .then(() => setCode(undefined), (error: unknown) => setCode(codeOf(error)))
            .finally(() => {
              second.fill(0);
              setSecond(undefined);
            });
        }}
      />
    );
  }
  return (
    <>
      <Title text="safety.title" />
      {code !== undefined && <Refused code={code} />}
      <Waiting />
      <section class="card">
        <h2>
          {t("safety.number")} <What term="number" />
        </h2>
        <p class="id">{record.value?.wallet}</p>
        <p class="acts">
          <button onClick={lock}>{t("safety.lock")}</button>
          {installable.value && <button onClick={() => void install()}>{t("safety.install")}</button>}
        </p>
      </section>
      <WithPassphrase term="recovery" card="secrets" heading="safety.code" about="save.about" button="safety.code" work={async (p) => setSeed(await seedWith(p))} wrong={async (p) => (await seedWith(p)) === undefined} />
      <WithPassphrase
        heading="second.title"
        term="second"
        card="second"
        about={balance.value?.hasRecovery ? "second.there" : "second.about"}
        button={balance.value?.hasRecovery ? "second.other" : "second.make"}
        work={async () => setSecond(crypto.getRandomValues(new Uint8Array(32)))}
        wrong={async (p) => (await seedWith(p)) === undefined}
      />
      <WithPassphrase card="lost" heading="safety.lost" about={balance.value?.hasRecovery ? "safety.lost-waits" : "safety.lost-about"} button="safety.new-key" work={async (p) => setSeed(await newKey(p))} wrong={async (p) => (await seedWith(p)) === undefined} />
      <DeviceLock />
      <Backup />
      <Cashiers />
      <AskAbove />
      <section class="card">
        <h2>{t("safety.sees")}</h2>
        <ul class="plain">
          <li>{t("safety.bank")}</li>
          <li>{t("safety.public")}</li>
          <li>{t("safety.device")}</li>
          <li>{t("safety.cashier-sees")}</li>
          <li>{t("safety.page")}</li>
        </ul>
        <LearnLink card="sees" />
      </section>
      <section class="card">
        <h2>{t("pages.title")}</h2>
        <Later load={served} props={{}} />
      </section>
    </>
  );
}

/** A new key, or the closing of the wallet, that somebody asked for and that waits. */
function Waiting() {
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const pending = balance.value?.pending;
  if (!pending) return null;
  return (
    <div class="card refused" role="alert">
      <b>{t(pending.closes ? "safety.closing" : "safety.pending", { when: moment(pending.dueMillis, language.value) })}</b>
      <p>{t("safety.pending-about")}</p>
      {problem !== undefined && <Refused code={problem} />}
      <Form
        button={t("safety.cancel")}
        submit={async () => {
          try {
            await cancelPending();
            setProblem(undefined);
          } catch (error) {
            setProblem(codeOf(error));
          }
        }}
      >
        {null}
      </Form>
    </div>
  );
}

interface WithPassphraseProps {
  heading: Key;
  about: Key;
  button: Key;
  term?: Term;
  card?: Card;
  work: (passphrase: string) => Promise<void>;
  wrong: (passphrase: string) => Promise<boolean>;
}

/** What is done only for who knows the passphrase, even when the wallet is open. */
function WithPassphrase({ heading, about, button, work, wrong, term, card }: WithPassphraseProps) {
  const [passphrase, setPassphrase] = useState("");
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [code, setCode] = useState<string | undefined>(undefined);
  return (
    <section class="card">
      <h2>
        {t(heading)} {term && <What term={term} />}
      </h2>
      <p>{t(about)}</p>
      {card && <LearnLink card={card} />}
      {code !== undefined && <Refused code={code} />}
      <Form
        button={t(button)}
        submit={async () => {
          setCode(undefined);
          if (await wrong(passphrase)) return setProblem("open.wrong");
          setProblem(undefined);
          try {
            await work(passphrase);
          } catch (error) {
            setCode(codeOf(error));
          }
          setPassphrase("");
        }}
      >
        <Field label="open.passphrase" type="password" autocomplete="current-password" value={passphrase} change={setPassphrase} problem={problem} />
      </Form>
    </section>
  );
}

/** The device's own lock beside the passphrase, where the device has such a secret. */
function DeviceLock() {
  const [possible, setPossible] = useState(false);
  const [passphrase, setPassphrase] = useState("");
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  useEffect(() => void passkeyPossible().then(setPossible), []);
  const on = record.value?.passkey !== undefined;
  if (!possible && !on) return null;
  return (
    <section class="card">
      <h2>{t("passkey.title")}</h2>
      <p>{t(on ? "passkey.on" : "passkey.about")}</p>
      <Form
        button={t(on ? "passkey.off" : "passkey.set")}
        submit={async () => {
          if (!on && (await seedWith(passphrase)) === undefined) return setProblem("open.wrong");
          setProblem((await setDeviceLock(on ? undefined : passphrase)) ? undefined : "passkey.none");
          setPassphrase("");
        }}
      >
        {on ? null : <Field label="open.passphrase" type="password" autocomplete="current-password" value={passphrase} change={setPassphrase} problem={problem} />}
      </Form>
    </section>
  );
}

/** What is kept here, with the bank too. */
function Backup() {
  const [code, setCode] = useState<string | undefined>(undefined);
  const on = record.value?.backup;
  return (
    <section class="card">
      <h2>{t("backup.title")}</h2>
      <p>{t("backup.about")}</p>
      <p>{t("backup.sees")}</p>
      {on && <p role="status">{t("backup.on", { when: moment(on.millis, language.value) })}</p>}
      {code !== undefined && <Refused code={code} />}
      {!on && record.value?.recoverySaved === false ? (
        <p class="note">{t("backup.code-first")}</p>
      ) : (
        <Form
          button={t(on ? "backup.off" : "backup.set")}
          submit={async () => {
            setCode(undefined);
            try {
              const backup = await import("./backup");
              await (on ? backup.switchOff() : backup.switchOn());
            } catch (error) {
              setCode(codeOf(error));
            }
          }}
        >
          {null}
        </Form>
      )}
    </section>
  );
}

const HOURS = ["12", "168", "720"] as const;

/** The devices that may see what the wallet is paid. */
function Cashiers() {
  const [list, setList] = useState<readonly DelegationLine[] | undefined>(undefined);
  const [name, setName] = useState("");
  const [hours, setHours] = useState<string>(HOURS[0]);
  const [link, setLink] = useState<string | undefined>(undefined);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const guarded = async (work: () => Promise<void>) => {
    try {
      await work();
      setProblem(undefined);
      setList(await signedIn((wallet) => client.delegations(wallet)));
    } catch (error) {
      setProblem(codeOf(error));
    }
  };
  useEffect(() => void guarded(async () => {}), []);
  return (
    <section class="card">
      <h2>
        {t("cashier.title")} <What term="cashier" />
      </h2>
      <p>{t("cashier.about")}</p>
      {problem !== undefined && <Refused code={problem} />}
      <ul class="lines">
        {list?.map((d) => (
          <li key={d.id}>
            <span class="icon" aria-hidden="true">
              ▭
            </span>
            <span>
              <b>{d.name || d.id.slice(0, 8)}</b>
              <br />
              <span class="dim">{t("cashier.until", { when: moment(d.until, language.value) })}</span>
            </span>
            <button onClick={() => void guarded(() => signedIn((wallet) => client.revoke(wallet, d.id)))} aria-label={t("cashier.end", { name: d.name || d.id.slice(0, 8) })}>
              ✕
            </button>
          </li>
        ))}
      </ul>
      {link !== undefined ? (
        <>
          <p>{t("cashier.show")}</p>
          <Later load={code} props={{ text: link, label: t("cashier.code") }} />
          <p class="id" data-testid="delegation">
            {link}
          </p>
          <p class="acts">
            <button onClick={() => setLink(undefined)}>{t("cashier.done")}</button>
          </p>
        </>
      ) : (
        <Form
          button={t("cashier.add")}
          submit={() =>
            guarded(async () => {
              const r = record.value!;
              const until = nodeNow() + Number(hours) * 3_600_000;
              const token = await client.delegate(unhex(r.network), r.wallet!, signer.value!, until, name.trim());
              setLink(delegationLink(location.origin, { network: r.network, wallet: r.wallet!, token, until }));
              setName("");
            })
          }
        >
          <Field label="cashier.name" value={name} change={(text) => setName([...text].slice(0, 32).join(""))} />
          <Choice label="cashier.long" value={hours} change={setHours} choices={HOURS.map((h) => [h, h === "12" ? t("cashier.shift") : counted("days", Number(h) / 24)])} />
        </Form>
      )}
    </section>
  );
}

function AskAbove() {
  const [text, setText] = useState(String(settings.value.askAbove / 100n));
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  return (
    <section class="card">
      <h2>{t("ask-above.title")}</h2>
      <p>{t("ask-above.about", { amount: money(settings.value.askAbove, language.value) })}</p>
      <Form
        button={t("people.save")}
        submit={async () => {
          const sum = parseAmount(text);
          if (typeof sum === "string") return setProblem(sum);
          setProblem(undefined);
          await setSettings({ askAbove: sum });
        }}
        other={
          <button type="button" onClick={() => go("more")}>
            {t("back")}
          </button>
        }
      >
        <Field label="pay.amount" value={text} change={setText} decimal problem={problem} />
      </Form>
    </section>
  );
}
