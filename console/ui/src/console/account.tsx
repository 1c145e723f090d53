import { useEffect, useState } from "preact/hooks";
import { moment } from "../format";
import { language, t } from "../words";
import { Field, Form, Title } from "../wallet/parts";
import { ask } from "./api";
import { Sure, Table, Trouble } from "./parts";
import { add, privileged } from "./passkeys";
import { account, go, whoAmI } from "./state";
import { rolesInWords } from "./roles";

/** Who is signed in: roles, passkeys, the way out. */
export function AccountPage() {
  const [name, setName] = useState("");
  const [error, setError] = useState<unknown>(undefined);
  useEffect(() => {
    void whoAmI(); // an administrator may have given other roles
  }, []);
  const me = account.value;
  if (!me) return null;
  const attempt = async (act: () => Promise<unknown>) => {
    setError(undefined);
    try {
      await act();
      await whoAmI();
    } catch (e) {
      setError(e);
    }
  };
  return (
    <>
      <Title text="account.title" />
      <div class="card">
        <p class="big">{me.name}</p>
        <p>{rolesInWords(me.roles)}</p>
        <p class="acts">
          <button
            onClick={() =>
              void attempt(async () => {
                await ask("/v1/staff/session", "DELETE");
                account.value = null;
                go("sign-in");
              })
            }
          >
            {t("account.out")}
          </button>
        </p>
      </div>
      <h2>{t("passkeys.title")}</h2>
      <p>{t("passkeys.about")}</p>
      <Table stacked about={t("passkeys.title")} head={[t("passkeys.name"), t("passkeys.site"), t("passkeys.made"), t("acts")]}>
        {me.passkeys.map((p) => (
          <tr key={p.id}>
            <td data-label={t("passkeys.name")} class="quoted">{p.name === "" ? t("passkeys.first") : p.name}</td>
            <td data-label={t("passkeys.site")} class="id">{p.site}</td>
            <td data-label={t("passkeys.made")}>{moment(p.madeMillis, language.value)}</td>
            <td>
              <Sure button={t("passkeys.remove")} question={t("passkeys.sure")} act={() => attempt(() => privileged(() => ask(`/v1/staff/accounts/${me.id}/passkeys/${p.id}`, "DELETE")))} />
            </td>
          </tr>
        ))}
      </Table>
      <Form
        button={t("passkeys.add")}
        submit={() =>
          attempt(async () => {
            await add(name.trim(), me.name);
            setName("");
          })
        }
      >
        <Field label="passkeys.device" value={name} change={setName} />
      </Form>
      <Trouble error={error} />
    </>
  );
}
