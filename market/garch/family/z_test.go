package family
import ("testing";"context";"github.com/aqsha/aqsha/market/garch")
func BenchmarkZ(b *testing.B){
 r,_:=garch.Simulate(garch.Spec{Law: garch.StudentT, Mean: garch.Zero}, []float64{0.4,0.12,0.86,4}, 2000, 21)
 for n,s:=range map[string]Spec{"g22":{P: 2, Q: 2, Law: StudentT},"tg":{P: 1, O: 1, Q: 1, Exp: 1, Law: StudentT},"ap":{Model: APARCH, P: 1, O: 1, Q: 1, Law: StudentT},"ged":{Law: GED},"han":{Law: Hansen},"gjr":{P: 1, O: 1, Q: 1, Law: StudentT},"fig":{Model:FIGARCH}}{
  b.Run(n,func(b *testing.B){ for b.Loop(){Estimate(context.Background(), r, Mean{}, s)}})
 }
}
