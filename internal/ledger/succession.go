package ledger

import "fmt"

// Succeed closes incidents that people have closed or deleted in Resilient.
// The events that joined since (see [Incident.Told]) are given back, to be
// read once more: they open an incident of their own then. An incident that is
// closed already is left as it is.
func (tx Tx) Succeed(ids []int64) error {
	if err := tx.succeed(ids); err != nil {
		return fmt.Errorf("close incidents that are closed in Resilient: %w", err)
	}
	return nil
}

func (tx Tx) succeed(ids []int64) error {
	type closed struct{ id, joined int64 }
	all, err := selectByID(tx.transaction, `SELECT id, seen - told FROM incident WHERE id IN `, ` AND status = 'open'`, ids,
		func(row Row) (c closed, err error) {
			err = row.Scan(&c.id, &c.joined)
			return c, err
		})
	if err != nil {
		return err
	}
	for _, c := range all {
		var mails []int64
		var events [][]any
		err := tx.query(`
			SELECT mail, ordinal FROM event WHERE incident = $1 ORDER BY incident DESC, mail DESC, ordinal DESC LIMIT $2`,
			[][]any{{c.id, c.joined}}, func(_ int, row Row) error {
				var mail, ordinal int64
				err := row.Scan(&mail, &ordinal)
				mails, events = append(mails, mail), append(events, []any{mail, ordinal})
				return err
			})
		if err != nil {
			return err
		}
		if err := tx.query(`UPDATE event SET incident = NULL WHERE mail = $1 AND ordinal = $2`, events, nil); err != nil {
			return err
		}
		if err := tx.change(`UPDATE incident SET status = 'closed', seen = told WHERE id = $1 RETURNING id`, [][]any{{c.id}}); err != nil {
			return err
		}
		if err := tx.Want(TaskRead, mails...); err != nil {
			return err
		}
	}
	return nil
}

// Predecessors returns, for those of the incidents whose story was told by
// closed ones before, Resilient's ids of these, the last one last.
func (tx Tx) Predecessors(ids []int64) (map[int64][]int64, error) {
	before := make(map[int64][]int64)
	_, err := selectByID(tx.transaction, `
		SELECT incident.id, closed.remote_id FROM incident
		JOIN incident AS closed ON closed.key_hash = incident.key_hash AND closed.id < incident.id
		WHERE closed.status = 'closed' AND closed.remote_id <> 0 AND incident.id IN `, " ORDER BY closed.id",
		ids, func(row Row) (id int64, err error) {
			var remote int64
			if err := row.Scan(&id, &remote); err != nil {
				return 0, err
			}
			before[id] = append(before[id], remote)
			return id, nil
		})
	if err != nil {
		return nil, fmt.Errorf("look for what incidents continue: %w", err)
	}
	return before, nil
}
