module Pruning.Tests.Data.Simulation.EventRandomTests

open System
open Expecto
open Pruning.Data.Batching
open Pruning.Data.Simulation

let private draws count (draw: EventRandom -> float) =
    let random = EventRandom(7UL, 3UL, 1UL)
    Array.init count (fun _ -> draw random)

/// Mean and variance of `count` numbers within five standard errors of what they should be; `kurtosis` is the fourth
/// central moment over the squared variance, which says how well a sample knows its variance.
let private moments name count mean variance kurtosis draw = test name {
    let values = draws count draw
    let average = Array.average values
    let spread = values |> Array.averageBy (fun v -> (v - mean) ** 2.0)
    let n = float count
    Expect.isLessThan (abs (average - mean)) (5.0 * sqrt (variance / n)) $"mean {average}, wanted {mean}"

    Expect.isLessThan
        (abs (spread - variance))
        (5.0 * variance * sqrt ((kurtosis - 1.0) / n))
        $"variance {spread}, wanted {variance}"
}

let private vectors =
    testList
        "published vectors"
        [
            test "xoshiro256++ from the state 1, 2, 3, 4" {
                let random = EventRandom(1UL, 2UL, 3UL, 4UL)

                Expect.equal
                    [ for _ in 1..10 -> random.Next() ]
                    [
                        41943041UL
                        58720359UL
                        3588806011781223UL
                        3591011842654386UL
                        9228616714210784205UL
                        9973669472204895162UL
                        14011001112246962877UL
                        12406186145184390807UL
                        15849039046786891736UL
                        10450023813501588000UL
                    ]
                    "the ten first numbers"
            }

            test "SplitMix64 from 1234567" {
                let step = 0x9E3779B97F4A7C15UL

                Expect.equal
                    [ for i in 0UL .. 4UL -> StableHash.Mix(1234567UL + i * step) ]
                    [
                        6457827717110365317UL
                        3203168211198807973UL
                        9817491932198370423UL
                        4593380528125082431UL
                        16408922859458223821UL
                    ]
                    "the five first numbers"
            }

            test "a stream is xoshiro256++ at four numbers of SplitMix64" {
                let pair a b = StableHash.Mix(StableHash.Mix a ^^^ b)
                let key = pair (pair 5UL 9UL) 2UL
                let step = 0x9E3779B97F4A7C15UL
                let state i = StableHash.Mix(key + i * step)
                let wanted = EventRandom(state 0UL, state 1UL, state 2UL, state 3UL)
                let random = EventRandom(5UL, 9UL, 2UL)

                Expect.equal [ for _ in 1..100 -> random.Next() ] [ for _ in 1..100 -> wanted.Next() ] "as documented"
            }
        ]

let private streams =
    testList
        "streams"
        [
            test "seeds, events and purposes all begin differently" {
                let firsts =
                    [
                        for seed in 0UL .. 9UL do
                            for event in 0UL .. 99UL do
                                for stream in 0UL .. 9UL -> EventRandom(seed, event, stream).Next()
                    ]

                Expect.equal (Set.count (Set.ofList firsts)) 10000 "10,000 streams"
            }

            test "restarting is beginning anew" {
                let random = EventRandom(1UL, 2UL, 3UL)
                let first = [ for _ in 1..5 -> random.Next() ]
                random.Restart(1UL, 2UL, 3UL)
                Expect.equal [ for _ in 1..5 -> random.Next() ] first "the same numbers"
            }

            test "a state without a bit is refused" {
                Expect.throwsT<ArgumentException> (fun () -> EventRandom(0UL, 0UL, 0UL, 0UL) |> ignore) "all zero"
            }
        ]

let private distributions =
    testList
        "distributions"
        [
            moments "uniform" 100000 0.5 (1.0 / 12.0) 1.8 _.Uniform()
            moments "the square of the distance in a disc is uniform" 100000 0.5 (1.0 / 12.0) 1.8 (fun r ->
                let mutable x, y = 0.0, 0.0
                r.Disc(&x, &y))
            moments "normal" 100000 0.0 1.0 3.0 (fun r -> Distributions.Normal r)
            moments "exponential" 100000 1.0 1.0 9.0 (fun r -> Distributions.Exponential r)

            // The kurtosis of a gamma number is 3 + 6 / shape, of a Poisson number 3 + 1 / mean.
            for shape in [ 1.0 / 3.0; 0.5; 0.8; 1.0; 2.0; 6.0; 40.0 ] do
                moments $"gamma of shape {shape:F2}" 200000 shape shape (3.0 + 6.0 / shape) (fun r ->
                    Distributions.Gamma(r, shape))

            for mean in [ 0.01; 0.5; 3.0; 9.9; 10.1; 40.0; 900.0 ] do
                moments $"Poisson of mean {mean}" 200000 mean mean (3.0 + 1.0 / mean) (fun r ->
                    float (Distributions.Poisson(r, mean)))

            // Beta(2, 10): mean a / (a + b), variance ab / ((a + b)² (a + b + 1)).
            moments "beta" 100000 (1.0 / 6.0) (20.0 / (144.0 * 13.0)) 4.0 (fun r -> Distributions.Beta(r, 2.0, 10.0))

            test "directions have length 1 and no preference" {
                let random = EventRandom(7UL, 3UL, 1UL)
                let mutable sumX, sumY = 0.0, 0.0

                for _ in 1..10000 do
                    let mutable x, y = 0.0, 0.0
                    random.Direction(&x, &y)
                    Expect.floatClose Accuracy.high (x * x + y * y) 1.0 "length"
                    sumX <- sumX + x
                    sumY <- sumY + y

                // Variance 1/2 each.
                Expect.isLessThan (max (abs sumX) (abs sumY)) (5.0 * sqrt (10000.0 / 2.0)) "no preference"
            }

            test "shares add to 1" {
                let random = EventRandom(7UL, 3UL, 1UL)
                let shares = Array.zeroCreate<float> 7

                for _ in 1..100 do
                    Distributions.Dirichlet(random, 0.8, shares.AsSpan())
                    Expect.floatClose Accuracy.high (Array.sum shares) 1.0 "sum"
                    Expect.all shares (fun s -> s >= 0.0) "none is negative"
            }

            test "a choice follows its weights, and weight 0 is never chosen" {
                let random = EventRandom(7UL, 3UL, 1UL)
                let counts = Array.zeroCreate<int> 4

                for _ in 1..40000 do
                    let chosen = Distributions.Choose(random, ReadOnlySpan [| 1.0; 0.0; 3.0; 0.0 |])
                    counts[chosen] <- counts[chosen] + 1

                Expect.equal (counts[1], counts[3]) (0, 0) "weight 0"
                // Binomial: sqrt (40000 / 4 * 3 / 4) is 87.
                Expect.isLessThan (abs (counts[0] - 10000)) 450 "a quarter"
            }

            test "no mean or a negative one gives 0" {
                let random = EventRandom(7UL, 3UL, 1UL)
                Expect.equal [ for m in [ 0.0; -1.0; nan ] -> Distributions.Poisson(random, m) ] [ 0; 0; 0 ] "none"
            }
        ]

let private functions =
    testList
        "special functions"
        [
            test "the gamma function of whole numbers is a factorial" {
                let mutable product = 1.0

                for n in 1..30 do
                    Expect.isLessThan
                        (abs (SpecialFunctions.LogGamma(float n) - log product))
                        (1e-11 * (1.0 + log product))
                        $"Γ({n})"

                    product <- product * float n
            }

            test "the gamma function of a half is √π" {
                Expect.isLessThan (abs (SpecialFunctions.LogGamma 0.5 - 0.5 * log Math.PI)) 1e-11 "Γ(1/2)"
            }

            test "the share below is that of known distributions" {
                // Shape 1 is the exponential distribution, shape 2 that of two waiting times.
                for x in [ 0.01; 0.5; 1.0; 3.0; 10.0; 50.0 ] do
                    let share shape = SpecialFunctions.GammaShareBelow(shape, SpecialFunctions.LogGamma(shape + 1.0), x)

                    Expect.isLessThan (abs (share 1.0 - (1.0 - exp -x))) 1e-11 $"shape 1 below {x}"
                    Expect.isLessThan (abs (share 2.0 - (1.0 - (1.0 + x) * exp -x))) 1e-11 $"shape 2 below {x}"

                Expect.equal
                    (SpecialFunctions.GammaShareBelow(3.0, SpecialFunctions.LogGamma 4.0, 0.0))
                    0.0
                    "nothing below 0"
            }
        ]

[<Tests>]
let tests = testList "event random" [ vectors; streams; distributions; functions ]
