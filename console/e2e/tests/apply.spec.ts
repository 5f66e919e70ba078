// The button that writes a rule. A gateway by itself has none: here the answers of a cluster's console are put in their place.

import type { Page } from "@playwright/test";
import { accessible, expect, open, signIn, test } from "./console";

interface Offer { dryRun: boolean; version: string | null; whyNot: string | null }

/** What the page has applied, before a console that offers this. */
async function before(page: Page, offer: Offer, answers: { status: number; body: unknown }[]): Promise<{ dryRun: boolean; seen: string; version: string | null }[]> {
  const asked: { dryRun: boolean; seen: string; version: string | null }[] = [];
  await page.route("**/api/v1/build", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), offer } });
  });
  await page.route("**/api/v1/apply**", async (route) => {
    if (!route.request().url().endsWith("awaited")) asked.push(route.request().postDataJSON());
    const { status, body } = answers.shift()!;
    await route.fulfill({ status, json: body });
  });
  await signIn(page);
  await open(page, "builder?from=default%2Fchat", "Rule builder");
  await expect(page.getByText("It would be accepted")).toBeVisible();
  return asked;
}

const said = (words: string, waits = false) => ({ status: 200, body: { name: "default/chat", generation: 4, words, waits } });

test("a gateway by itself offers nothing that writes", async ({ page }) => {
  await signIn(page);
  await open(page, "builder?from=default%2Fchat", "Rule builder");
  await expect(page.getByText("It would be accepted")).toBeVisible();
  await expect(page.getByRole("button", { name: /Apply|Dry run/ })).toHaveCount(0);
});

test("a rule that something else keeps cannot be applied, and it says why", async ({ page }) => {
  const why = "it is kept by the Application \"team-a\" of Argo CD";
  await before(page, { dryRun: false, version: "u.3", whyNot: why }, []);
  await expect(page.getByRole("button", { name: "Dry run" })).toBeDisabled();
  await expect(page.getByRole("status").filter({ hasText: why })).toBeVisible();
  await accessible(page);
});

test("a rule is written after a dry run of this very YAML, and it is told how far it is", async ({ page }) => {
  const asked = await before(page, { dryRun: false, version: "u.3", whyNot: null }, [
    said("The API server would take it, as generation 4."),
    said("The API server would take it, as generation 4."),
    said("Written as generation 4; gateways do not have it yet.", true),
    said("Generation 4 is enforced by 1 of 2 gateways so far.", true),
    said("Generation 4 is enforced by 2 of 2 gateways."),
  ]);
  const dry = page.getByRole("button", { name: "Dry run" });
  const apply = page.getByRole("button", { name: "Apply" });
  await dry.click();
  await expect(apply).toBeVisible();
  // Another letter, and it is to be tried again.
  await page.getByRole("spinbutton", { name: "Priority" }).fill("77");
  await expect(page.locator(".code pre")).toContainText("priority: 77");
  await expect(apply).toHaveCount(0);
  await dry.click();
  await apply.click();
  await expect(page.getByText("enforced by 2 of 2 gateways")).toBeVisible();
  await expect(dry).toBeVisible();
  expect(asked.map((one) => one.dryRun)).toEqual([true, true, false]);
  expect(asked[1]!.seen).toBe(asked[2]!.seen);
  expect(asked[0]!.seen).not.toBe(asked[1]!.seen);
  expect(asked[2]!.version).toBe("u.3");
});

test("where rules are only tried, nothing is written", async ({ page }) => {
  const asked = await before(page, { dryRun: true, version: null, whyNot: null }, [said("The API server would take it: it would be made.")]);
  await page.getByRole("button", { name: "Dry run" }).click();
  await expect(page.getByText("it would be made")).toBeVisible();
  await expect(page.getByRole("button", { name: "Apply" })).toHaveCount(0);
  expect(asked.map((one) => one.dryRun)).toEqual([true]);
});

test("a conflict says whose it is, as text, and leaves the YAML", async ({ page }) => {
  const words = "nothing was written, for spec.priority is Argo CD's (argocd-controller) <img src=x onerror=alert(1)>";
  await before(page, { dryRun: false, version: "u.3", whyNot: null }, [{ status: 409, body: { error: { code: "conflict", message: words } } }]);
  await page.getByRole("button", { name: "Dry run" }).click();
  await expect(page.getByText(words)).toBeVisible();
  await expect(page.getByRole("button", { name: "Apply" })).toHaveCount(0);
  await expect(page.locator(".code pre")).toContainText("kind: RoutingRule");
});
