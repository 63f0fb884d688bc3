-- Called by routes getScheduler and getMessagingStatus: the switch.
SELECT running, changed_at, changed_by, reason, next_batch_at FROM scheduler
