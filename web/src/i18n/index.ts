/** Texts in English, German and Chinese. One file a page family and language, so that a page loads only what it says. */
import i18n, { type BackendModule } from "i18next";
import { initReactI18next } from "react-i18next";

export const LANGUAGES = { en: "English", de: "Deutsch", zh: "中文" } as const;
export type Language = keyof typeof LANGUAGES;

const files = import.meta.glob<{ default: Record<string, unknown> }>("./*/*.json");

const backend: BackendModule = {
  type: "backend",
  init: () => undefined,
  read(language, namespace, done) {
    const load = files[`./${language}/${namespace}.json`];
    if (!load) return done(new Error(`no texts ${language}/${namespace}`), null);
    load().then(
      (file) => done(null, file.default),
      (error: unknown) => done(error as Error, null),
    );
  },
};

function preferred(): Language {
  const kept = localStorage.getItem("millstream.language");
  const wanted = [kept, ...navigator.languages].map((each) => each?.slice(0, 2));
  return (wanted.find((each) => each && each in LANGUAGES) as Language | undefined) ?? "en";
}

void i18n
  .use(backend)
  .use(initReactI18next)
  .init({
    lng: preferred(),
    fallbackLng: "en",
    supportedLngs: Object.keys(LANGUAGES),
    ns: ["common"],
    defaultNS: "common",
    interpolation: { escapeValue: false },
  });

i18n.on("languageChanged", (language) => {
  document.documentElement.lang = language;
});

export function choose(language: Language): void {
  localStorage.setItem("millstream.language", language);
  void i18n.changeLanguage(language);
}

export default i18n;
