// Each page with what a running gateway tells, in light, dark, and on a phone.

import { accessible, expect, fits, open, signIn, test } from "./console";

const PAGES: [string, string, RegExp][] = [
  ["overview", "Overview", /Requests \/ s/],
  ["requests", "Requests", /chat/],
  ["providers", "Providers", /default\/sim/],
  ["rules", "Rules", /default\/chat/],
  ["explain", "Explain", /Say a key and a model/],
  ["keys", "Keys and spend", /default\/demo/],
  ["builder", "Rule builder", /What the compiler says/],
  ["setup", "Set up a client", /OPENAI_BASE_URL/],
  ["configuration", "Configuration", /RoutingRule/],
  ["catalog", "Catalog", /models/],
];

for (const [name, title, says] of PAGES) {
  test(`${name} tells what there is, to everybody`, async ({ page }) => {
    await signIn(page);
    await open(page, name, title);
    await expect(page.locator("main")).toContainText(says);
    await accessible(page);
    await page.emulateMedia({ colorScheme: "dark" });
    await accessible(page, ["color-contrast"]);
    await fits(page);
    await page.setViewportSize({ width: 390, height: 844 });
    await fits(page);
  });
}

test("the overview counts what is under way", async ({ page }) => {
  await signIn(page);
  await open(page, "overview", "Overview");
  const rate = page.locator(".tile").first().locator("p");
  await expect.poll(async () => Number(await rate.textContent())).toBeGreaterThan(0);
  // The load goes on: requests come in by themselves.
  await expect(page.getByRole("region", { name: "Requests that have just ended" }).getByRole("row")).not.toHaveCount(0);
});

test("a request that another attempt has saved shows both, in the list and on a line of time", async ({ page }) => {
  await signIn(page);
  await open(page, "requests?outcome=recovered&last=all", "Requests");
  const row = page.getByRole("region", { name: "Requests" }).locator("tbody tr").first();
  await expect(row).toContainText("recovered");
  await expect(row.locator(".attempts > span")).not.toHaveCount(1);
  await row.getByRole("link").first().click();
  await expect(page.getByRole("heading", { level: 1, name: /^Request [0-9a-f]{16}$/ })).toBeVisible();
  const lanes = page.locator(".lane");
  await expect(lanes).not.toHaveCount(1);
  await expect(page.locator(".track .content, .track .good").first()).toBeVisible();
  await accessible(page);
  await page.getByRole("link", { name: "Explain where it would go now" }).click();
  await expect(page.getByRole("region", { name: "What would be tried" }).first()).toBeVisible();
});

test("the live list follows, and a filter holds for what comes", async ({ page }) => {
  await signIn(page);
  await open(page, "requests", "Requests");
  await page.getByLabel("Live").check();
  await expect(page.locator(".note .state")).toHaveText(/live$/);
  const first = page.getByRole("region", { name: "Requests" }).locator("tbody tr").first().getByRole("link");
  const before = await first.getAttribute("href");
  await expect.poll(() => first.getAttribute("href")).not.toBe(before);
  await page.getByLabel("Outcome").selectOption("recovered");
  await expect(page).toHaveURL(/outcome=recovered/);
  const outcomes = page.getByRole("region", { name: "Requests" }).locator("tbody .state");
  await expect(outcomes.first()).toHaveText(/recovered/);
  expect(new Set(await outcomes.allTextContents())).toEqual(new Set(["◆recovered"]));
});

test("explain says why, for a request that one types in", async ({ page }) => {
  await signIn(page);
  await open(page, "explain", "Explain");
  await page.getByLabel("Key", { exact: true }).fill("default/demo");
  await page.getByLabel("Model").fill("chat");
  await page.getByLabel("Model").press("Enter");
  await expect(page.getByText("taken by default/chat")).toBeVisible();
  await page.getByLabel("Body").fill("{");
  await page.getByRole("button", { name: "Explain" }).click();
  await expect(page.getByRole("alert")).toContainText("the body is no JSON");
  await page.getByLabel("Body").fill("");
  await page.getByLabel("Key", { exact: true }).fill("default/nobody");
  await page.getByRole("button", { name: "Explain" }).click();
  await expect(page.getByRole("alert")).toContainText("no key default/nobody is in force");
});

test("the builder makes YAML, says what is wrong with it, and what it would move", async ({ page }) => {
  await signIn(page);
  await open(page, "builder?from=default%2Fchat", "Rule builder");
  await expect(page.locator(".code pre")).toContainText("kind: RoutingRule");
  await expect(page.getByText("It would be accepted")).toBeVisible();
  await page.getByLabel("Provider").first().fill("nobody");
  await expect(page.getByText("ProviderNotFound").first()).toBeVisible();
  await page.getByRole("button", { name: "Diff" }).click();
  await expect(page.locator(".diff .plus").filter({ hasText: "nobody" }).first()).toBeVisible();
});

test("keys alone lead anywhere", async ({ page }) => {
  await signIn(page);
  await open(page, "overview", "Overview");
  await page.keyboard.press("g");
  await page.keyboard.press("r");
  await expect(page.getByRole("heading", { level: 1, name: "Requests" })).toBeVisible();
  await expect(page.getByLabel("Text")).toBeVisible();
  await page.keyboard.press("/");
  await expect(page.getByLabel("Text")).toBeFocused();
  await page.keyboard.press("Tab");
  await page.locator("main").focus();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog")).toBeVisible();
  await accessible(page);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
});

test("an object that is not in order says how to mend it", async ({ page }) => {
  await signIn(page);
  await open(page, "configuration", "Configuration");
  await expect(page.locator("main")).toContainText("RoutingRule default/broken");
  await expect(page.locator("main")).toContainText("ProviderNotFound");
});
