import { t } from "../words";
import { Title } from "./parts";
import { type Page, address, go } from "./route";

const PLACES: readonly (readonly [Page & ("history" | "rules" | "drafts" | "people" | "till" | "safety" | "learn"), string])[] = [
  ["history", "≡"],
  ["people", "☺"],
  ["rules", "§"],
  ["drafts", "✎"],
  ["till", "▦"],
  ["safety", "⚷"],
  ["learn", "?"],
];

export function More() {
  return (
    <>
      <Title text="nav.more" />
      <ul class="places">
        {PLACES.map(([to, icon]) => (
          <li key={to}>
            <a
              href={address(to)}
              onClick={(e) => {
                e.preventDefault();
                go(to);
              }}
            >
              <span class="icon" aria-hidden="true">
                {icon}
              </span>
              <span>
                <b>{t(`nav.${to}`)}</b>
                <br />
                <span class="dim">{t(`more.${to}`)}</span>
              </span>
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}
