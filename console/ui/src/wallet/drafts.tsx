import { useEffect, useState } from "preact/hooks";
import { date, ends, money, time } from "../format";
import { hex, unhex } from "../ledger/bytes";
import { refusalDigest, signatureOf } from "../ledger/transaction";
import { language, t } from "../words";
import type { DraftLine } from "./client";
import { codeOf } from "./codeof";
import { LearnLink } from "./learnlink";
import { quotedMemo } from "./lines";
import { Field, Form, Picture, Title } from "./parts";
import { nameOf } from "./private";
import { Refused } from "./refused";
import { client, record, refresh, signedIn, signer } from "./state";
import { type Shared, leaves, readShared, signShared } from "./together";

/** Payments that others have signed and that wait for this wallet's signature. */
export function Drafts() {
  const [list, setList] = useState<readonly DraftLine[] | undefined>(undefined);
  const [own, setOwn] = useState<ReadonlyMap<string, bigint>>(new Map());
  const [code, setCode] = useState<string | undefined>(undefined);
  const read = async () => {
    try {
      const [drafts, tokens] = await signedIn(async (wallet) => [await client.drafts(wallet), await client.tokens(wallet)] as const);
      setOwn(tokens);
      setList(drafts);
      setCode(undefined);
    } catch (error) {
      setCode(codeOf(error));
    }
  };
  useEffect(() => void read(), []);
  return (
    <>
      <Title text="nav.drafts" />
      <p>{t("drafts.about")}</p>
      {code !== undefined && <Refused code={code} />}
      {list === undefined && code === undefined && <p class="skeleton">{t("loading")}</p>}
      {list?.length === 0 && <p>{t("drafts.none")}</p>}
      {list?.map((d) => <One key={d.id} draft={d} own={own} changed={read} />)}
    </>
  );
}

const ENDED = { executed: "drafts.done", refused: "drafts.refused", lapsed: "line.lapsed", complete: "line.pending" } as const;

function One({ draft, own, changed }: { draft: DraftLine; own: ReadonlyMap<string, bigint>; changed: () => Promise<void> }) {
  const wallet = record.value?.wallet ?? "";
  const [shared, setShared] = useState<Shared | "strange" | undefined>(undefined);
  const [refusing, setRefusing] = useState(false);
  const [reason, setReason] = useState("");
  const [code, setCode] = useState<string | undefined>(undefined);
  useEffect(() => {
    readShared(draft, wallet).then(setShared, () => setShared("strange"));
  }, [draft.encoded]);
  if (shared === undefined) return <p class="skeleton">{t("loading")}</p>;
  if (shared === "strange")
    return (
      <section class="card">
        <p>{t("drafts.strange")}</p>
        <p class="id dim">{draft.id}</p>
      </section>
    );
  const left = leaves(shared, own);
  const act = async (work: () => Promise<void>) => {
    setCode(undefined);
    try {
      await work();
      await changed();
      await refresh();
    } catch (error) {
      setCode(codeOf(error));
    }
  };
  const waits = draft.state === "waiting";
  return (
    <section class="card">
      <dl>
        {waits && !shared.signed && (
          <>
            <dt>{t("drafts.yours")}</dt>
            <dd class="big">{left === undefined ? t("unknown") : money(left, language.value)}</dd>
          </>
        )}
        <dt>{t("pay.payee")}</dt>
        {shared.gets.map((g) => (
          <dd key={g.wallet}>
            <Picture of={g.wallet} /> <span class="id">{nameOf(g.wallet) ?? ends(g.wallet)}</span>: {money(g.amount, language.value)}
          </dd>
        ))}
        <dt>{t("rules.with")}</dt>
        <dd>
          {shared.payers
            .filter((p) => p !== wallet)
            .map((p) => nameOf(p) ?? ends(p))
            .join(", ")}
        </dd>
        {shared.memo !== "" && (
          <>
            <dt>{t("pay.memo")}</dt>
            <dd>{quotedMemo(shared)}</dd>
          </>
        )}
        <dt>{t("drafts.until")}</dt>
        <dd>{`${date(shared.validUntil, language.value)}, ${time(shared.validUntil, language.value)}`}</dd>
      </dl>
      {draft.reasons.map((why) => (
        <p key={why} class="note">
          {t("drafts.reason-was", { reason: why })}
        </p>
      ))}
      {code !== undefined && <Refused code={code} />}
      {!waits ? (
        <p role="status">{t(ENDED[draft.state as keyof typeof ENDED] ?? "unknown")}</p>
      ) : shared.signed ? (
        <p role="status">{t("drafts.signed")}</p>
      ) : refusing ? (
        <Form
          button={t("drafts.refuse")}
          submit={() =>
            act(async () => {
              const key = signer.value!;
              const said = reason.trim();
              const signature = signatureOf(await key.sign(await refusalDigest(unhex(record.value!.network), shared.id, said)));
              await client.refuseDraft(draft.id, key.publicKey, said, hex(signature));
            })
          }
          other={
            <button type="button" onClick={() => setRefusing(false)}>
              {t("cancel")}
            </button>
          }
        >
          <Field label="drafts.reason" value={reason} change={(text) => setReason(text.slice(0, 50))} />
        </Form>
      ) : (
        <Form
          button={left === undefined ? t("drafts.sign-unknown") : t("drafts.sign", { amount: money(left, language.value) })}
          submit={() => act(async () => client.signDraft(draft.id, await signShared(shared, unhex(record.value!.network), signer.value!)))}
          other={
            <button type="button" onClick={() => setRefusing(true)}>
              {t("drafts.refuse")}
            </button>
          }
        >
          <LearnLink card="final" />
        </Form>
      )}
    </section>
  );
}
