// The pages of kinds: /kinds lists all, /kinds/ID shows one, a group or a family.

import { byId } from "./dom.js";
import * as language from "./language.js";
import { drawings, element, figure, latin, marks, table } from "./plate.js";
import { kinds as loadKinds } from "./service.js";
import { share } from "./share.js";

const { local, nameOf, t } = language;

async function start() {
  await language.start();
  language.drawChoice(byId("language"));
  navigator.serviceWorker?.register("/sw.js", { type: "module" }).catch(console.warn);
  try {
    const [all, { species }] = await Promise.all([table(), loadKinds()]);
    const ids = new Set(species.map(({ id }) => id));
    draw(all, ids);
    document.addEventListener("language", () => draw(all, ids));
  } catch {
    byId("main").replaceChildren(element("p", "", t("kind.unreachable")));
  }
}

/** Everything on the page, in its language; `known` are the ids that the model tells apart. */
function draw({ kinds, sources }, known) {
  const id = location.pathname.split("/")[2];
  const kind = Object.hasOwn(kinds, id ?? "") ? kinds[id] : undefined;
  const title = kind ? nameOf(kind) : t(id ? "kind.missing" : "kind.all");
  document.title = `${title} - ${t("title")}`;
  const content = kind ? page(id, kinds, sources, known) : index(kinds, title);
  byId("main").replaceChildren(...content.filter(Boolean));
}

/** All kinds by family; a group stands for kinds that the model does not know. */
function index(kinds, title) {
  const families = Object.entries(kinds).filter(([, { rank }]) => rank === "family");
  const sections = families.map(([id, { members, names }]) => {
    const shown = members.flatMap((group) => (kinds[group].members.length ? kinds[group].members : group));
    return section(nameOf({ names }), plates(shown, kinds), `/kinds/${id}`);
  });
  return [element("h1", "", title), ...sections];
}

function page(id, kinds, sources, known) {
  const kind = kinds[id];
  const species = kind.rank === "species" || kind.rank === "genus" || !kind.rank;
  return [
    path(kind, kinds),
    heading(kind),
    !species || known.has(id) ? null : element("p", "quiet", t("kind.unknown")),
    element("div", "portrait", drawings(kind), looks(kind)),
    kind.alike ? section(t("kind.alike"), plates([id, ...kind.alike], kinds, marks)) : null,
    kind.members?.length ? section(t("kind.members"), plates(kind.members, kinds, marks)) : null,
    kind.law ? section(t("kind.facts"), facts(kind)) : null,
    sharing(kind),
    kind.sources ? references(kind, sources) : null,
  ];
}

/** The way up: all kinds, then family and group. */
function path({ parent }, kinds) {
  const above = [];
  for (let id = parent; id in kinds; id = kinds[id].parent) above.unshift(id);
  const links = above.map((id) => link(`/kinds/${id}`, nameOf(kinds[id])));
  const nav = element("nav", "path", link("/kinds", t("kind.all")), ...links);
  nav.setAttribute("aria-label", t("kind.path"));
  return nav;
}

/** The kind's name in the page's language, its scientific name and its names elsewhere. */
function heading(kind) {
  const others = Object.entries(kind.names).filter(([tag]) => tag !== language.language());
  const names = others.map(([tag, name]) => {
    const made = element("span", "", name);
    made.lang = tag;
    return made;
  });
  return element(
    "header",
    "title",
    element("h1", "", nameOf(kind)),
    element("p", "quiet", latin(kind), ...names),
  );
}

function looks(kind) {
  return element("div", "", element("h2", "", t("kind.marks")), marks(kind));
}

function facts(kind) {
  const { size, status_year: year } = kind;
  const rows = [
    ["size", size && t("kind.cm", { size: size.join("–") })],
    ...["range", "diet", "life"].map((key) => [key, kind[key] && local(kind[key])]),
    ["iucn", kind.iucn && `${t(`kind.iucn.${kind.iucn}`)} (${kind.iucn}, ${year})`],
    ["cites", kind.cites ? t("kind.appendix", { appendix: kind.cites, year }) : t("kind.none", { year })],
    ["law", local(kind.law)],
  ];
  const pairs = rows.filter(([, value]) => value);
  return element(
    "dl",
    "",
    ...pairs.flatMap(([key, value]) => [
      element("dt", "", t(`kind.${key}`)),
      element("dd", "", value),
    ]),
  );
}

function references(kind, sources) {
  const lines = [...kind.sources.map((key) => sources[key]), ...t("kind.lists").split("\n")];
  const list = element("ul", "", ...lines.map((line) => element("li", "", line)));
  list.lang = "en";
  return element(
    "details",
    "references quiet",
    element("summary", "", t("kind.sources")),
    element("p", "", t("kind.memory")),
    list,
  );
}

function sharing(kind) {
  const button = element("button", "share", t("share"));
  button.type = "button";
  const page = { headline: nameOf(kind), latin: kind.scientific_name, url: location.href };
  button.addEventListener("click", () => share({ image: null, ...page }));
  return button;
}

/** Kinds side by side; `more(kind)` is shown below each. */
function plates(ids, kinds, more = () => "") {
  const known = ids.filter((id) => id in kinds);
  return element("div", "plates", ...known.map((id) => figure(id, kinds[id], more(kinds[id]))));
}

function section(title, content, address = null) {
  const heading = element("h2", "", address ? link(address, title) : title);
  return element("section", "", heading, content);
}

function link(address, words) {
  const made = element("a", "", words);
  made.href = address;
  return made;
}

start();
