// A browser that has signed in, and what is asked of every page.

import AxeBuilder from "@axe-core/playwright";
import { expect, test as base, type Page } from "@playwright/test";

export const token = process.env.CONSOLE_TOKEN ?? "";
export const key = process.env.CONSOLE_KEY ?? "";

/** What a page complains of: scripts that fail, and what the policy of the console forbids. */
export const test = base.extend<{ complaints: string[] }>({
  complaints: [async ({ page }, use) => {
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => { if (/Content.Security|Trusted/i.test(message.text())) complaints.push(message.text()); });
    page.on("dialog", (dialog) => { complaints.push(`dialog: ${dialog.message()}`); void dialog.dismiss(); });
    await use(complaints);
    expect(complaints).toEqual([]);
  }, { auto: true }],
});

export { expect };

export async function signIn(page: Page, as: "token" | "key" = "token"): Promise<void> {
  await page.goto(`/#${as}=${encodeURIComponent(as === "token" ? token : key)}`);
  await expect(page.getByRole("navigation", { name: "Pages" })).toBeVisible();
  expect(page.url()).not.toContain(as === "token" ? token : key);
}

export async function open(page: Page, name: string, title: string | RegExp): Promise<void> {
  await page.goto(`/#/${name}`);
  await expect(page.getByRole("heading", { level: 1, name: title })).toBeVisible();
  await expect(page.getByRole("status").filter({ hasText: "Loading" })).toHaveCount(0);
}

/** Nothing serious is wrong for whoever cannot see or point. */
export async function accessible(page: Page, rules?: string[]): Promise<void> {
  const all = new AxeBuilder({ page });
  const found = await (rules ? all.withRules(rules) : all).analyze();
  const serious = found.violations.filter((fault) => fault.impact === "serious" || fault.impact === "critical");
  expect(serious.map((fault) => `${fault.id}: ${fault.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`)).toEqual([]);
}

/** A page is not wider than its window. */
export async function fits(page: Page): Promise<void> {
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
}
