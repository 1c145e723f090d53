package contract_test

import (
	"fmt"

	"github.com/aqsha/aqsha/contract"
)

// A definition is checked as a whole, and every problem says where and what to write instead.
func Example() {
	source, _ := contract.Parse([]byte(`
contract: gift
parties: [giver, child]
terms: {birthday: int}
create: {by: giver, takes: {tenge: any}}
actions:
  take:
    by: child
    from: terms.birthday
    pay: [{to: child, amount: "part(held.tenge, 3, 2)"}]
    ends: true
end: {at: terms.birthday + 365 * day, pay: {giver: 1}}
`))
	_, problems := source.Check()
	fmt.Println(problems[0])

	source.Definition.Actions[0].Pay[0].Amount = "rest"
	program, problems := source.Check()
	fmt.Println(program.Definition.Name, problems == nil)
	// Output:
	// actions.take.pay[0].amount: part(held.tenge, 3, 2) is not shown to be covered by what is held; write min(part(held.tenge, 3, 2), left.tenge), or add to `when`: part(held.tenge, 3, 2) <= held.tenge
	// gift true
}
