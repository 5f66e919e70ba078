import { defineConfig } from "@playwright/test";

// The browser of the system: Playwright downloads none. As root Chromium runs only without its sandbox.
const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];

export default defineConfig({
  testDir: "tests",
  // A busy machine is slow, and nothing is wrong.
  timeout: 60_000,
  expect: { timeout: 15_000 },
  workers: 1,
  forbidOnly: true,
  reporter: [["list"], ["json", { outputFile: process.env.CONSOLE_REPORT ?? "report.json" }]],
  use: {
    baseURL: process.env.CONSOLE_URL,
    viewport: { width: 1360, height: 860 },
    timezoneId: "UTC",
    launchOptions: { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: sandbox },
  },
});
