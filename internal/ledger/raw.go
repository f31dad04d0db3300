package ledger

import (
	"context"
	"fmt"
	"io"
)

// Raw returns the bytes of a mail; of a duplicate, those of the first one. It
// returns ErrNotFound where there is no such mail and ErrIncomplete where not
// all its bytes are there; every other error is the database's.
func (tx Tx) Raw(id int64) ([]byte, error) {
	holder, size, err := tx.holder(id)
	if err != nil {
		return nil, err
	}
	raw := make([]byte, 0, size)
	err = tx.query(`SELECT data FROM mail_chunk WHERE mail = $1 ORDER BY n`, [][]any{{holder}},
		func(_ int, row Row) error {
			var chunk []byte
			err := row.Scan(&chunk)
			raw = append(raw, chunk...)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read mail %d: %w", id, err)
	}
	if int64(len(raw)) != size {
		return nil, incomplete(id, int64(len(raw)), size)
	}
	return raw, nil
}

// holder is the mail that holds the bytes of another, or of itself, and how
// many they are.
func (tx Tx) holder(id int64) (holder, size int64, err error) {
	err = tx.query(`SELECT COALESCE(duplicate_of, id), size FROM mail WHERE id = $1`, [][]any{{id}},
		func(_ int, row Row) error { return row.Scan(&holder, &size) })
	if err == nil && holder == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return 0, 0, fmt.Errorf("read mail %d: %w", id, err)
	}
	return holder, size, nil
}

func incomplete(id, held, size int64) error {
	return fmt.Errorf("read mail %d: %w: %d of %d are in the ledger: restore it from a backup", id, ErrIncomplete, held, size)
}

// RawReader reads the bytes of a mail as [Tx.Raw] gives them, holding one MiB
// of them at a time.
type RawReader struct {
	// Size is how many bytes there are.
	Size int64

	ctx        context.Context
	ledger     *Ledger
	id, holder int64
	next, read int64
	chunk      []byte
}

// OpenRaw returns a reader of a mail's bytes, which reads as long as ctx lasts.
// Its errors and the reader's are those of [Tx.Raw].
func (l *Ledger) OpenRaw(ctx context.Context, id int64) (*RawReader, error) {
	r := &RawReader{ctx: ctx, ledger: l, id: id}
	err := l.View(ctx, func(tx Tx) (err error) {
		r.holder, r.Size, err = tx.holder(id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (r *RawReader) Read(p []byte) (int, error) {
	if len(r.chunk) == 0 {
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.chunk)
	r.chunk = r.chunk[n:]
	return n, nil
}

func (r *RawReader) fill() error {
	err := r.ledger.View(r.ctx, func(tx Tx) error {
		r.chunk = nil
		return tx.query(`SELECT data FROM mail_chunk WHERE mail = $1 AND n = $2`, [][]any{{r.holder, r.next}},
			func(_ int, row Row) error { return row.Scan(&r.chunk) })
	})
	r.next++
	r.read += int64(len(r.chunk))
	switch {
	case err != nil:
		return fmt.Errorf("read mail %d: %w", r.id, err)
	case len(r.chunk) > 0:
		return nil
	case r.read != r.Size:
		return incomplete(r.id, r.read, r.Size)
	}
	return io.EOF
}
