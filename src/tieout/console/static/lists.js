// Lists: what is ticked, how much money that is, and ranges with Shift.

const form = document.querySelector("[data-selection]");

if (form) {
  const picks = [...form.querySelectorAll("[data-pick]")];
  const legend = form.querySelector("[data-picked]");
  const acts = form.querySelector("[data-acts]");
  const unpicked = legend?.textContent ?? "";
  let last = null;

  for (const each of form.querySelectorAll("[data-pick-all], [data-pick-group]")) each.hidden = false;

  const digits = (currency) => new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;

  // Whole minor units in BigInt: a sum of money is never a float.
  const units = (amount, places) => {
    const [whole, part = ""] = amount.split(".");
    return BigInt(whole + part.padEnd(places, "0").slice(0, places));
  };

  const written = (sum, places) => {
    const text = sum.toString().padStart(places + 1, "0");
    const whole = places ? text.slice(0, -places) : text;
    const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
    return places ? `${grouped}.${text.slice(-places)}` : grouped;
  };

  const tell = () => {
    const picked = picks.filter((each) => each.checked);
    for (const each of picks) each.closest("tr").toggleAttribute("data-ticked", each.checked);
    for (const box of form.querySelectorAll("[data-pick-group]")) {
      const members = [...box.closest("tbody").querySelectorAll("[data-pick]")];
      box.checked = members.every((each) => each.checked);
    }
    const all = form.querySelector("[data-pick-all]");
    if (all) all.checked = picks.length > 0 && picked.length === picks.length;
    if (!legend) return;
    const sums = new Map();
    for (const each of picked) {
      for (const part of (each.dataset.sums ?? "").split("|").filter(Boolean)) {
        const [amount, currency] = part.split(" ");
        sums.set(currency, (sums.get(currency) ?? 0n) + units(amount, digits(currency)));
      }
    }
    const count = picked.reduce((sum, each) => sum + Number(each.dataset.count), 0);
    const money = [...sums].map(([currency, sum]) => `${written(sum, digits(currency))} ${currency}`).join(" + ");
    legend.textContent = picked.length ? `${count} ticked${money ? ` · ${money}` : ""}` : unpicked;
    acts?.toggleAttribute("data-active", picked.length > 0);
  };

  form.addEventListener("click", (event) => {
    const pick = event.target.closest("[data-pick]");
    if (!pick) return;
    if (event.shiftKey && last) {
      const [from, to] = [picks.indexOf(last), picks.indexOf(pick)].sort((a, b) => a - b);
      for (const each of picks.slice(from, to + 1)) each.checked = pick.checked;
    }
    last = pick;
  });

  form.addEventListener("change", (event) => {
    const { target } = event;
    if (target.matches("[data-pick-all]")) for (const each of picks) each.checked = target.checked;
    if (target.matches("[data-pick-group]")) {
      for (const each of target.closest("tbody").querySelectorAll("[data-pick]")) each.checked = target.checked;
    }
    if (target.matches("[type=checkbox]")) tell();
  });

  form.addEventListener("submit", (event) => {
    if (picks.some((each) => each.checked)) return;
    event.preventDefault();
    legend.textContent = "Tick at least one hold first: x picks the row you are on.";
  });

  tell();
}

// A button that says how many documents a choice lets go on.
for (const button of document.querySelectorAll("[data-said-by]")) {
  const choice = document.getElementById(button.dataset.saidBy);
  choice.addEventListener("change", () => {
    button.textContent = choice.selectedOptions[0].dataset.button;
  });
}

// A filter applies as soon as it is chosen; empty fields stay out of the address.
for (const filter of document.querySelectorAll("form[data-filter]")) {
  filter.addEventListener("change", (event) => {
    if (event.target.matches("select")) filter.requestSubmit();
  });
  filter.addEventListener("submit", () => {
    for (const field of filter.elements) if (field.name && !field.value) field.disabled = true;
  });
}
addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form[data-filter] :disabled")) field.disabled = false;
});
