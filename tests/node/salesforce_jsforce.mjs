// What jsforce, a client that nobody here wrote, sees of the Salesforce sandbox: one JSON document on stdout.
// Usage: node salesforce_jsforce.mjs <url of the org> <username> <password+token> <client id> <client secret>
import jsforce from "jsforce";

const [url, username, password, clientId, clientSecret] = process.argv.slice(2);
const version = "59.0";
const seen = {};

async function refused(act) {
  try {
    return { answered: await act() };
  } catch (error) {
    return { code: error.errorCode ?? error.name, message: error.message, fields: error.fields };
  }
}

const conn = new jsforce.Connection({ loginUrl: url, version });
seen.soap = await conn.login(username, password);
seen.soapInstance = conn.instanceUrl;
seen.wrongPassword = await refused(() => new jsforce.Connection({ loginUrl: url, version }).login(username, "wrong"));

const oauth2 = { loginUrl: url, clientId, clientSecret };
const app = new jsforce.Connection({ instanceUrl: url, oauth2, version });
seen.clientCredentials = await app.authorize({ grant_type: "client_credentials" });
seen.identity = await app.identity();
const stranger = new jsforce.Connection({ oauth2: { ...oauth2, clientSecret: "wrong" }, version });
seen.wrongSecret = await refused(() => stranger.authorize({ grant_type: "client_credentials" }));

// One record.
const account = await conn.sobject("Account").create({ Name: "Globex", BillingCity: "San Francisco" });
seen.created = account;
seen.updated = await conn.sobject("Account").update({ Id: account.id, Phone: "+1 617 555 0100" });
seen.read = await conn.sobject("Account").retrieve(account.id);
seen.upserts = [];
for (const Name of ["Initech", "Initech LLC"]) {
  seen.upserts.push(await conn.sobject("Account").upsert({ ERP_Customer_Id__c: "C-7 é", Name }, "ERP_Customer_Id__c"));
}

// Many records: collections of 200, pages of 200.
const contacts = Array.from({ length: 450 }, (_, n) => ({ LastName: `Page ${n}`, AccountId: account.id }));
const made = await conn.sobject("Contact").create(contacts, { allowRecursive: true });
seen.collectionsSaved = made.filter((each) => each.success).length;
const soql = "SELECT Id, LastName FROM Contact WHERE LastName LIKE 'Page %' ORDER BY CreatedDate, Id";
const first = await conn.query(soql, { headers: { "Sforce-Query-Options": "batchSize=200" }, autoFetch: false });
const second = await conn.queryMore(first.nextRecordsUrl);
const third = await conn.queryMore(second.nextRecordsUrl);
seen.pages = [first, second, third].map((page) => [page.records.length, page.done, page.totalSize]);
const names = [first, second, third].flatMap((page) => page.records.map((each) => each.LastName));
seen.everyRowOnce = new Set(names).size === 450;
const all = await conn.query(soql, { headers: { "Sforce-Query-Options": "batchSize=200" }, autoFetch: true, maxFetch: 1000 });
seen.fetchedByItself = all.records.length;
const family = `SELECT Name, (SELECT LastName FROM Contacts) FROM Account WHERE Id = '${account.id}'`;
const parents = await conn.query(family, { headers: { "Sforce-Query-Options": "batchSize=200" }, autoFetch: true, maxFetch: 1000 });
seen.childrenFetchedByItself = parents.records[0].Contacts.records.length;

// Parents and children, through jsforce's own query builder.
const deal = { Name: "Data platform", StageName: "Prospecting", CloseDate: "2026-10-30", AccountId: account.id, Amount: 1000.5 };
await conn.sobject("Opportunity").create(deal);
seen.built = await conn
  .sobject("Opportunity")
  .find({ "Account.Name": "Globex", Amount: { $gt: 1000 }, CloseDate: jsforce.SfDate.toDateLiteral("2026-10-30") }, "Name, Amount, Account.Name, Owner.Email")
  .sort({ Name: 1 })
  .limit(5);
const [withChildren] = await conn
  .sobject("Account")
  .find({ Id: account.id }, "Id, Name")
  .include("Opportunities")
  .select("Id, Name")
  .where({ IsWon: false })
  .end();
seen.children = withChildren.Opportunities.records.map((each) => each.Name);
seen.count = await conn.sobject("Contact").count({ LastName: { $like: "Page %" } });

// Collections: partial success, all or none, retrieve, update, upsert, destroy.
const mixed = [{ Name: "Good" }, { Name: "" }, { Name: "Good too" }];
seen.partial = await conn.sobject("Account").create(mixed);
seen.allOrNone = await conn.sobject("Account").create(mixed, { allOrNone: true });
const good = seen.partial.filter((each) => each.success).map((each) => each.id);
seen.retrieved = (await conn.sobject("Account").retrieve(good)).map((each) => each.Name);
seen.manyUpdated = await conn.sobject("Account").update(good.map((Id) => ({ Id, Phone: "1" })));
const keyed = ["C-1", "C-2", "C-1"].map((key) => ({ Name: key, ERP_Customer_Id__c: key }));
seen.manyUpserted = await conn.sobject("Account").upsert(keyed, "ERP_Customer_Id__c");
seen.manyDestroyed = await conn.sobject("Account").destroy(good);

// Composite with references, and one that fails as a whole.
const base = `/services/data/v${version}/sobjects`;
const composite = (body) => conn.requestPost("/composite", { allOrNone: true, compositeRequest: body });
seen.composite = await composite([
  { method: "POST", url: `${base}/Account`, referenceId: "customer", body: { Name: "Composite" } },
  { method: "POST", url: `${base}/Opportunity`, referenceId: "deal", body: { ...deal, AccountId: "@{customer.id}" } },
  { method: "GET", url: `${base}/Opportunity/@{deal.id}?fields=AccountId`, referenceId: "read" },
]);
seen.compositeFailed = await composite([
  { method: "POST", url: `${base}/Account`, referenceId: "customer", body: { Name: "Never" } },
  { method: "POST", url: `${base}/Opportunity`, referenceId: "deal", body: { Name: "no stage" } },
]);
seen.never = await conn.sobject("Account").count({ Name: "Never" });

// What the org says about itself.
seen.objects = (await conn.describeGlobal()).sobjects.map((each) => each.name);
seen.stage = (await conn.sobject("Opportunity").describe()).fields.find((each) => each.name === "StageName").type;
seen.limits = (await conn.limits()).DailyApiRequests.Max;
seen.usage = conn.limitInfo.apiUsage.limit;
const [gone] = await conn.sobject("Product2").create([{ Name: "Gone" }]);
await conn.sobject("Product2").destroy(gone.id);
const window = ["2026-10-01T08:00:00Z", "2026-10-01T09:30:00Z"];
seen.deleted = (await conn.sobject("Product2").deleted(...window)).deletedRecords.map((each) => each.id === gone.id);
seen.inTheBin = (await conn.query(`SELECT Id FROM Product2 WHERE Id = '${gone.id}'`, { scanAll: true })).totalSize;

// Errors.
seen.errors = {
  invalidField: await refused(() => conn.query("SELECT Shoe FROM Account")),
  malformed: await refused(() => conn.query("SELECT Id FORM Account")),
  required: await refused(() => conn.sobject("Account").create({ Phone: "1" })),
  duplicate: await refused(() => conn.sobject("Account").create({ Name: "B", ERP_Customer_Id__c: "C-1" })),
  notFound: await refused(() => conn.sobject("Account").retrieve("001000000000001AAA")),
  noObject: await refused(() => conn.sobject("Shoe__c").create({ Name: "A" })),
  locator: await refused(() => conn.queryMore("/services/data/v59.0/query/0r8xx0000000999AAA-200")),
};

// A session that ended: jsforce asks for a new one and goes on; without the means to, it says so.
const renewing = new jsforce.Connection({
  instanceUrl: url,
  accessToken: "expired",
  version,
  refreshFn: async (old, callback) => {
    const fresh = new jsforce.Connection({ instanceUrl: url, oauth2, version });
    await fresh.authorize({ grant_type: "client_credentials" });
    seen.renewed = (seen.renewed ?? 0) + 1;
    callback(null, fresh.accessToken);
  },
});
seen.afterRenewal = (await renewing.query("SELECT Id FROM Organization")).totalSize;
const expired = new jsforce.Connection({ instanceUrl: url, accessToken: "expired", version });
seen.errors.expired = await refused(() => expired.query("SELECT Id FROM Organization"));
await conn.logout();
seen.errors.afterLogout = await refused(() =>
  new jsforce.Connection({ instanceUrl: url, accessToken: conn.accessToken ?? "gone", version }).query("SELECT Id FROM Organization"),
);

process.stdout.write(JSON.stringify(seen));
