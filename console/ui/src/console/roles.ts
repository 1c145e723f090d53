import { t } from "../words";

export const ROLES = ["administrator", "authority", "auditor", "intermediary"] as const;
export type Role = (typeof ROLES)[number];

export function rolesInWords(roles: readonly string[]): string {
  return ROLES.filter((r) => roles.includes(r))
    .map((r) => t(`role.${r}`))
    .join(", ");
}
