-- An engagement may have several projects: that of the deal, and one for each sale that has its own. Those there are stay the deal's.
alter table project add column sold text not null default '';
create unique index project_of_a_sale on project (engagement, sold);

-- A PSA and an ERP show a version by project; a CRM shows it for the engagement as a whole (project '').
alter table contract_shown add column project text not null default '';
update contract_shown s set project = p.key from project p, connection c
where p.engagement = s.engagement and c.name = s.connection and c.role <> 'crm';
alter table contract_shown drop constraint contract_shown_pkey;
alter table contract_shown add primary key (engagement, connection, project);
