-- A hold about hours on a task that the contract does not have names the change order that waits: none was known before.
update hold set facts = facts || '{"change": ""}' where code = 'time.task_unknown' and not facts ? 'change';
