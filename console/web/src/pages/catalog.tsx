import { useSignal } from "@preact/signals";
import { post } from "../api";
import { count } from "../format";
import { useLoaded } from "../state";
import type { CatalogPage as Found } from "../types";
import { Field, Input, Loading, Panel, Table, Title, Wrong } from "../ui";

const KINDS = ["chat", "completion", "embedding", "rerank", "realtime", "transcription", "speech", "image"];

export function CatalogPage() {
  const text = useSignal("");
  const vendor = useSignal("");
  const kind = useSignal("");
  const { data, failure, again } = useLoaded((abort) => post<Found>("catalog", { text: text.value, vendor: vendor.value || null, kind: kind.value || null }, abort), [text.value, vendor.value, kind.value]);
  return (
    <>
      <Title about="What is known of models where a provider says nothing else: prices in dollars for a million tokens, windows in tokens. docs/catalog.md has the sources.">Catalog</Title>
      <form class="filter" role="search" onSubmit={(event) => event.preventDefault()}>
        <Field label="Model"><Input id="search" name="text" placeholder="press / to search" onInput={(event) => { text.value = event.currentTarget.value; }} /></Field>
        <Field label="Vendor"><select onChange={(event) => { vendor.value = event.currentTarget.value; }}><option value="">any</option>{data?.vendors.map((name) => <option value={name} selected={name === vendor.value}>{name}</option>)}</select></Field>
        <Field label="Kind"><select onChange={(event) => { kind.value = event.currentTarget.value; }}><option value="">any</option>{KINDS.map((name) => <option value={name}>{name}</option>)}</select></Field>
      </form>
      <Wrong failure={failure} again={again} />
      {!data ? !failure && <Loading /> : (
        <Panel title={`${count(data.total)} models${data.total > data.models.length ? `, the first ${data.models.length}` : ""}`}>
          <Table label="Models" rows={data.models} id={(row) => `${row.vendor} ${row.model}`} empty="The catalog has no such model. A provider may say prices and windows itself: docs/providers.md." columns={[
            { head: "Model", cell: (row) => <b>{row.model}</b>, sort: (row) => row.model },
            { head: "Vendor", cell: (row) => row.vendor, sort: (row) => row.vendor },
            { head: "Kind", cell: (row) => row.kind },
            { head: "Window", number: true, cell: (row) => count(row.window), sort: (row) => row.window ?? 0 },
            { head: "Answer", number: true, cell: (row) => count(row.maxOutput), sort: (row) => row.maxOutput ?? 0 },
            { head: "$ in", number: true, cell: (row) => row.input ?? "-", sort: (row) => Number(row.input ?? -1) },
            { head: "$ cached", number: true, cell: (row) => row.cached ?? "-", sort: (row) => Number(row.cached ?? -1) },
            { head: "$ out", number: true, cell: (row) => row.output ?? "-", sort: (row) => Number(row.output ?? -1) },
            { head: "Can", wide: true, cell: (row) => row.can.join(", ") },
            { head: "Retires", cell: (row) => row.retires ?? "" },
          ]} />
        </Panel>
      )}
    </>
  );
}
