package resilient

import (
	"math"

	"golang.org/x/time/rate"
)

// budget bounds the requests of a client on average.
type budget struct{ limiter *rate.Limiter }

// newBudget allows so many requests a minute; 0 is no bound. A sixth of them
// may come at once.
func newBudget(perMinute int) budget {
	if perMinute == 0 {
		return budget{}
	}
	return budget{rate.NewLimiter(rate.Limit(perMinute)/60, max(1, perMinute/6))}
}

// Spare is how many requests [Options].RequestsPerMinute has room for now. A
// request beyond it is sent all the same: whoever begins work asks first, since
// work that has begun is not to stand still between two requests.
func (c *Client) Spare() int {
	if c.budget.limiter == nil {
		return math.MaxInt
	}
	return max(0, int(c.budget.limiter.TokensAt(c.options.Now())))
}

// charge takes a request from the budget, which may be left with a debt.
func (c *Client) charge() {
	if c.budget.limiter != nil {
		c.budget.limiter.ReserveN(c.options.Now(), 1)
	}
}
