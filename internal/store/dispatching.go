package store

import "database/sql"

// dispatching are the writer's statements for deliveries.
type dispatching struct {
	order, putChannel, channelsOf                           *sql.Stmt
	putDelivery, putStandIn, askStandIn, dropVia            *sql.Stmt
	firstWaiting, promote, firstReady, alone                *sql.Stmt
	beginDelivery, endDelivery, delayDelivery, failDelivery *sql.Stmt
	dropOutbox                                              *sql.Stmt
}

// raise is what becomes of a delivery that is there when a later revision is wanted. One that was told all, or given up,
// is queued anew; one that waits after failing goes on waiting, and any other is looked at again at once: what is new may
// be worth telling earlier.
const raise = `
	wanted = excluded.wanted,
	n = CASE WHEN state IN (1, 2) THEN n ELSE excluded.n END,
	queued = CASE WHEN wanted > sent THEN queued ELSE coalesce((SELECT r.created FROM revisions r
		WHERE r.alert = deliveries.alert AND r.revision > deliveries.sent ORDER BY r.revision LIMIT 1), excluded.queued) END,
	next = CASE WHEN state = 2 AND attempts > 0 THEN next ELSE 0 END,
	state = CASE WHEN state = 2 AND attempts > 0 THEN 2 ELSE 1 END`

// texts are the statements' texts.
func (st *dispatching) texts() map[**sql.Stmt]string {
	return map[**sql.Stmt]string{
		&st.order:      "UPDATE totals SET queued = queued + 1 RETURNING queued",
		&st.putChannel: "INSERT INTO channels (name) VALUES (?) ON CONFLICT (name) DO UPDATE SET retired = 0 WHERE retired = 1",
		&st.channelsOf: "SELECT channel FROM deliveries WHERE alert = ? ORDER BY channel",
		&st.dropOutbox: "DELETE FROM outbox WHERE n <= ?",

		&st.putDelivery: `INSERT INTO deliveries (alert, channel, n, state, wanted, queued) VALUES (?, ?, ?, 1, ?, ?)
			ON CONFLICT (alert, channel) DO UPDATE SET` + raise + ` WHERE excluded.wanted > deliveries.wanted`,
		&st.putStandIn: `INSERT INTO deliveries (alert, channel, n, state, wanted, queued, via, via_reason)
			SELECT alert, ?1, ?2, 1, wanted, queued, channel, ?3 FROM deliveries WHERE alert = ?4 AND channel = ?5
			ON CONFLICT (alert, channel) DO UPDATE SET via = excluded.via, via_reason = excluded.via_reason,` + raise + `
			WHERE deliveries.via <> '' AND excluded.wanted > deliveries.wanted`,
		&st.askStandIn: "UPDATE deliveries SET stand_in = 1 WHERE alert = ? AND channel = ?",
		&st.dropVia:    "UPDATE deliveries SET via = '', via_reason = '' WHERE alert = ? AND channel = ? AND via <> ''",

		&st.firstWaiting: "SELECT next FROM deliveries WHERE channel = ? AND state = 2 ORDER BY next LIMIT 1",
		&st.promote: `UPDATE deliveries SET state = 1 WHERE (alert, channel) IN
			(SELECT alert, channel FROM deliveries WHERE channel = ? AND state = 2 AND next <= ? ORDER BY next LIMIT ?)`,
		&st.firstReady: "SELECT " + deliveryColumns + " FROM deliveries WHERE channel = ? AND state = 1 ORDER BY n LIMIT 1",
		&st.alone: "SELECT " + deliveryColumns + ` FROM deliveries INDEXED BY deliveries_alone
			WHERE channel = ? AND stand_in = 0 AND state IN (1, 2) AND queued <= ? AND (state = 1 OR attempts > 0 OR next <= ?)
			ORDER BY queued, alert LIMIT ?`,

		&st.beginDelivery: "UPDATE deliveries SET trying = ? WHERE alert = ? AND channel = ?",
		&st.endDelivery: `UPDATE deliveries SET sent = max(sent, ?1), wanted = max(wanted, ?1), sent_at = ?2, receipt = ?3,
			trying = 0, attempts = 0, next = 0, error = '', stand_in = 0,
			state = CASE WHEN wanted > max(sent, ?1) THEN 1 ELSE 0 END,
			n = CASE WHEN wanted > max(sent, ?1) THEN ?4 ELSE n END,
			queued = CASE WHEN wanted > max(sent, ?1) THEN coalesce((SELECT r.created FROM revisions r
				WHERE r.alert = ?5 AND r.revision > max(sent, ?1) ORDER BY r.revision LIMIT 1), queued) ELSE queued END
			WHERE alert = ?5 AND channel = ?6`,
		&st.delayDelivery: `UPDATE deliveries SET error = ?2, attempts = attempts + ?3,
			trying = CASE WHEN ?4 THEN ?5 ELSE trying END,
			next = CASE WHEN wanted > ?6 AND NOT ?3 THEN 0 ELSE ?1 END,
			state = CASE WHEN state NOT IN (1, 2) THEN state WHEN wanted > ?6 AND NOT ?3 THEN 1 ELSE 2 END
			WHERE alert = ?7 AND channel = ?8`,
		&st.failDelivery: `UPDATE deliveries SET error = ?1, attempts = attempts + ?2, trying = ?3, next = 0,
			state = CASE WHEN state NOT IN (1, 2) THEN state WHEN wanted > ?4 THEN 1 ELSE 3 END
			WHERE alert = ?5 AND channel = ?6`,
	}
}
