import { useState } from "preact/hooks";
import { ends, moment } from "../format";
import { language, t } from "../words";
import { Choice, Field, Form, Title } from "../wallet/parts";
import { type Json, ask } from "./api";
import { Shown, Sure, Table, Trouble, useLoaded } from "./parts";
import { privileged } from "./passkeys";
import { type Account, account, accountOf, params, setParam, whoAmI } from "./state";
import { rolesInWords } from "./roles";

interface Invitation {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly untilMillis: number;
}

interface Bank {
  readonly id: string;
  readonly name: string;
}

interface Staff {
  readonly accounts: readonly Account[];
  readonly invitations: readonly Invitation[];
  readonly banks: readonly Bank[];
}

async function load(): Promise<Staff> {
  const [list, banks] = (await Promise.all([ask("/v1/staff"), ask("/v1/intermediaries")])) as [{ accounts: Json[]; invitations: Json[] }, Json[]];
  return {
    accounts: list.accounts.map(accountOf),
    invitations: list.invitations.map((i) => ({ id: String(i.id), name: String(i.name), roles: (i.roles as string[]).map(String), untilMillis: Number(i.until_millis) })),
    banks: banks.map((b) => ({ id: String(b.id), name: String(b.name) })),
  };
}

/** How often the lists are read: an invitation that somebody used is none any more. */
const EVERY = 10_000;

/** What somebody may be: at most one role that reads, and an administrator or not. */
interface Wanted {
  readonly reads: string;
  readonly bank: string;
  readonly administrator: boolean;
}

function body(w: Wanted): Json {
  return { roles: [...(w.administrator ? ["administrator"] : []), ...(w.reads === "" ? [] : [w.reads])], ...(w.reads === "intermediary" && { bank: w.bank }) };
}

/** Whether nothing is left that somebody would be: an account has one role at least. */
const nothing = (w: Wanted) => !w.administrator && w.reads === "";

/** Whether somebody is the only administrator, which the node says in words of its own. */
export function isLast(a: Account, all: readonly Account[]): boolean {
  return a.roles.includes("administrator") && !all.some((b) => b.id !== a.id && b.endedMillis === 0 && !b.demo && b.roles.includes("administrator"));
}

function wantedOf(a: Account, banks: readonly Bank[]): Wanted {
  return { reads: a.roles.find((r) => r !== "administrator") ?? "", bank: a.bank || (banks[0]?.id ?? ""), administrator: a.roles.includes("administrator") };
}

function Roles({ wanted, change, banks, idle }: { wanted: Wanted; change: (w: Wanted) => void; banks: readonly Bank[]; idle: boolean }) {
  return (
    <>
      <Choice
        label="staff.reads"
        value={wanted.reads}
        change={(reads) => change({ ...wanted, reads })}
        choices={[["", t("staff.reads-nothing")], ["authority", t("role.authority")], ["auditor", t("role.auditor")], ...(banks.length > 0 ? ([["intermediary", t("role.intermediary")]] as const) : [])]}
      />
      {wanted.reads === "intermediary" && <Choice label="staff.bank" names value={wanted.bank} change={(bank) => change({ ...wanted, bank })} choices={banks.map((b) => [b.id, `${b.name}, ${ends(b.id)}`] as const)} />}
      <p>
        <label class="check">
          <input type="checkbox" checked={wanted.administrator} onChange={(e) => change({ ...wanted, administrator: e.currentTarget.checked })} />
          {t("staff.administers")}
        </label>
        <span class="problem" role="alert">
          {idle && nothing(wanted) ? t("staff.no-role") : ""}
        </span>
      </p>
    </>
  );
}

/** One account, to be changed or ended. */
function Person({ of, last, banks, attempt }: { of: Account; last: boolean; banks: readonly Bank[]; attempt: (act: () => Promise<unknown>) => Promise<void> }) {
  const [wanted, setWanted] = useState(wantedOf(of, banks));
  const [idle, setIdle] = useState(false);
  return (
    <details class="card">
      <summary>
        <b class="quoted">{of.name}</b> <span class="dim">{of.endedMillis === 0 ? rolesInWords(of.roles) : t("staff.ended", { time: moment(of.endedMillis, language.value) })}</span>
      </summary>
      <p class="dim id">{of.id}</p>
      {of.endedMillis === 0 && (
        <>
          <Form button={t("staff.change")} submit={async () => {
              setIdle(nothing(wanted) && !last);
              if (!nothing(wanted) || last) await attempt(() => ask(`/v1/staff/accounts/${of.id}/roles`, "PUT", body(wanted)));
            }}>
            <Roles wanted={wanted} change={setWanted} banks={banks} idle={idle} />
          </Form>
          <p class="acts">
            <Sure button={t("staff.end")} question={t("staff.end-sure", { name: of.name })} act={() => attempt(() => ask(`/v1/staff/accounts/${of.id}`, "DELETE"))} />
          </p>
        </>
      )}
    </details>
  );
}

export function StaffPage() {
  const loaded = useLoaded(load, [account.value?.id], EVERY);
  const [name, setName] = useState("");
  const [nameless, setNameless] = useState(false);
  const [idle, setIdle] = useState(false);
  const [wanted, setWanted] = useState<Wanted>({ reads: "auditor", bank: "", administrator: false });
  const [made, setMade] = useState<{ address: string; name: string } | undefined>(undefined);
  const [error, setError] = useState<unknown>(undefined);
  const attempt = async (act: () => Promise<unknown>) => {
    setError(undefined);
    try {
      await privileged(act);
      await whoAmI();
      await loaded.again();
    } catch (e) {
      setError(e);
    }
  };
  const query = params.value.get("q") ?? "";
  return (
    <>
      <Title text="staff.title" />
      <Trouble error={error} />
      {made && (
        <div class="card done" role="status">
          <p>{t("staff.link", { name: made.name })}</p>
          <p class="id">{made.address}</p>
          <p class="acts">
            <button onClick={() => void navigator.clipboard.writeText(made.address).catch(() => {})}>{t("copy")}</button>
            <button onClick={() => setMade(undefined)}>{t("close")}</button>
          </p>
        </div>
      )}
      <Shown of={loaded}>
        {({ accounts, invitations, banks }) => (
          <>
            <Field label="search" value={query} change={(q) => setParam("q", q)} />
            {accounts
              .filter((a) => a.name.toLowerCase().includes(query.toLowerCase()) || a.id.startsWith(query))
              .map((a) => (
                <Person key={a.id + a.roles.join()} of={a} last={isLast(a, accounts)} banks={banks} attempt={attempt} />
              ))}
            <h2>{t("staff.invitations")}</h2>
            {invitations.length === 0 ? (
              <p class="dim">{t("staff.no-invitations")}</p>
            ) : (
              <Table stacked about={t("staff.invitations")} head={[t("staff.name"), t("staff.roles"), t("staff.until"), t("acts")]}>
                {invitations.map((i) => (
                  <tr key={i.id}>
                    <td data-label={t("staff.name")} class="quoted">{i.name}</td>
                    <td data-label={t("staff.roles")}>{rolesInWords(i.roles)}</td>
                    <td data-label={t("staff.until")}>{moment(i.untilMillis, language.value)}</td>
                    <td>
                      <button onClick={() => void attempt(() => ask(`/v1/staff/invitations/${i.id}`, "DELETE"))}>{t("staff.take-back")}</button>
                    </td>
                  </tr>
                ))}
              </Table>
            )}
            <h2>{t("staff.invite-title")}</h2>
            <Form
              button={t("staff.invite")}
              submit={async () => {
                setNameless(name.trim() === "");
                setIdle(nothing(wanted));
                if (name.trim() === "" || nothing(wanted)) return;
                await attempt(async () => {
                  const bank = wanted.bank || (banks[0]?.id ?? "");
                  const link = (await ask("/v1/staff/invitations", "POST", { name: name.trim(), ...body({ ...wanted, bank }) })) as Json;
                  setMade({ address: `${location.origin}/sign-in#join?${String(link.link)}`, name: name.trim() });
                  setName("");
                });
              }}
            >
              <Field label="staff.name" value={name} change={setName} problem={nameless && name.trim() === "" ? "join.empty" : undefined} />
              <Roles wanted={{ ...wanted, bank: wanted.bank || (banks[0]?.id ?? "") }} change={setWanted} banks={banks} idle={idle} />
            </Form>
          </>
        )}
      </Shown>
    </>
  );
}
