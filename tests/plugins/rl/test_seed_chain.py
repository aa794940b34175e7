import io

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evoplug import ConfigError, Members, Rng, Task
from evoplug.population import network_space
from evoplug.population.network_space import NetworkSpace, blocks
from evoplug.population.workers import workers
from evoplug.types import compact
from evoplug_rl.gaussian_seed import GaussianSeed
from evoplug_rl.seed_chain import SeedChain
from evoplug_supervised import Weights
from evoplug_supervised.networks.convnet import ConvNet
from evoplug_supervised.networks.mlp import MLP

TASK = Task(input_shape=(1, 4, 4), outputs=3)


def bound(**parameters):
    genotype = SeedChain(**{"network": MLP(hidden=(5,)), **parameters})
    genotype.bind(TASK)
    return genotype


def by_hand(genotype, chain):
    """The definition: initial weights, then a noise vector times its strength for each mutation."""
    plain = Weights(network=genotype.network, init=genotype.init)
    plain.bind(TASK)
    weights = plain.sample(1, Rng(chain[0]))[0]
    for seed, sigma in chain[1:]:
        weights = weights + torch.randn(genotype.length, generator=Rng(seed).torch) * sigma
    return weights


def test_new_genomes_are_seeds_of_their_own():
    genotype = bound()
    chains = genotype.sample(4, Rng(1))
    assert all(len(chain) == 1 for chain in chains)
    assert len({chain[0] for chain in chains}) == 4
    assert genotype.sample(4, Rng(1)) == chains


@pytest.mark.parametrize("init", ["glorot-uniform", "he-normal"])
def test_initial_weights_are_those_of_weights(init):
    genotype = bound(init=init)
    (chain,) = genotype.sample(1, Rng(1))
    assert torch.equal(genotype.weights([chain])[0], by_hand(genotype, chain))


def test_a_mutation_adds_its_noise_and_leaves_the_parent():
    genotype, mutation = bound(), GaussianSeed(sigma=0.5)
    (parent,) = genotype.sample(1, Rng(1))
    child = mutation(parent, Rng(7))
    assert child[0] == parent[0]
    assert len(parent) == 1
    seed, sigma = child[1]
    assert sigma == 0.5
    before, after = genotype.weights([parent, child])
    assert torch.equal(after, before + torch.randn(genotype.length, generator=Rng(seed).torch) * 0.5)
    assert (after - before).std().item() == pytest.approx(0.5, rel=0.2)


seeds = st.integers(0, 5)
chains = st.builds(
    lambda first, links: [first, *map(list, links)],
    seeds,
    st.lists(st.tuples(seeds, st.sampled_from([0.005, 0.1, 3.0])), max_size=6),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(chains, min_size=1, max_size=12), st.integers(1, 5), st.randoms(), st.integers(1, 3))
def test_weights_are_the_same_to_the_bit_however_they_are_rebuilt(several, cache, order, count):
    """In blocks, in another order, with a cache of any size or from an empty one, on any number of threads."""
    genotype = bound(cache=cache)
    expected = torch.stack([by_hand(genotype, chain) for chain in several])
    with workers(count):
        assert torch.equal(genotype.weights(several), expected)
        for row in order.sample(range(len(several)), len(several)):
            assert torch.equal(genotype.weights([several[row]])[0], expected[row])
        assert torch.equal(bound().weights(several), expected)


def test_torch_s_own_threads_change_nothing():
    network = MLP(hidden=(4000,))  # enough weights for torch to share them out
    chain = [1, [2, 0.005], [3, 0.3], [4, 0.005]]
    found = []
    for threads in (1, 2, 3):
        with workers(1, threads):
            found.append(bound(network=network).weights([chain]))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def counted(genotype):
    """Counts the noise vectors and the initial weights that replaying takes."""
    replayed = []
    lineage = genotype._lineage
    grown = lineage._replayed

    def replay(ancestors, rest, number):
        replayed.append(len(rest[number]))
        return grown(ancestors, rest, number)

    lineage._replayed = replay
    return replayed


def test_a_child_costs_one_noise_vector_where_its_parent_is_kept():
    genotype, mutation = bound(), GaussianSeed()
    replayed = counted(genotype)
    parent = [1, *([seed, 0.005] for seed in range(20))]
    for generation in range(5):
        children = [mutation(parent, Rng(generation).child(row)) for row in range(8)]
        genotype.weights(children)
        parent = children[3]
    assert replayed == [21, 1, 1, 1, 1]


def test_common_ancestors_are_replayed_once():
    """As after a resume: two families that part late."""
    genotype = bound()
    replayed = counted(genotype)
    trunk = [1, *([seed, 0.005] for seed in range(30))]
    one, other = [*trunk, [100, 0.005]], [*trunk, [200, 0.005]]
    genotype.weights([[*one, [5, 0.005]], [*one, [6, 0.005]], [*other, [7, 0.005]]])
    assert sorted(replayed) == [1, 1, 31]


def test_the_cache_holds_no_more_than_it_may():
    genotype, mutation = bound(cache=3), GaussianSeed()
    parents = genotype.sample(10, Rng(1))
    children = [mutation(parent, Rng(2).child(row)) for row, parent in enumerate(parents)]
    genotype.weights(children)
    assert len(genotype._lineage._kept) == 3


def test_kept_weights_are_not_handed_out():
    genotype = bound()
    child = [1, [2, 0.1], [3, 0.1]]
    expected = genotype.weights([child]).clone()
    genotype.weights([child]).zero_()
    genotype.weights([child[:2]]).zero_()
    assert torch.equal(genotype.weights([child]), expected)


def test_a_network_space_as_weights_is_one():
    genotype = bound(network=ConvNet(channels=(2,), dense=(4,)))
    assert isinstance(genotype, NetworkSpace)
    (weights,) = genotype.weights([[1, [2, 0.1]]])
    x = torch.randn(6, 1, 4, 4, generator=Rng(2).torch)
    assert genotype.module(weights)(x).shape == (6, 3)


def test_computed_weights_come_a_block_at_a_time_and_stored_ones_at_once(monkeypatch):
    genotype = bound()
    monkeypatch.setattr(network_space, "BLOCK", 4 * genotype.length * 2)
    chains = genotype.sample(5, Rng(1))
    found = list(blocks(genotype, chains, "cpu"))
    assert [len(block) for block in found] == [2, 2, 1]
    assert torch.equal(torch.cat(found), genotype.weights(chains))
    stored = Weights(network=genotype.network)
    stored.bind(TASK)
    genomes = stored.sample(5, Rng(1))
    (whole,) = blocks(stored, genomes, "cpu")
    assert whole.data_ptr() == genomes.data_ptr()
    assert torch.equal(whole, genomes)


def test_it_is_described_in_short():
    assert bound().describe([5]) == {"initial": 5, "mutations": 0}
    assert bound().describe([5, [6, 0.1], [7, 0.2]]) == {"initial": 5, "mutations": 2, "last": [7, 0.2]}


@pytest.mark.parametrize(
    ("sigma", "message"), [(1e-60, "sigma: 1e-60 is 0 in float32"), (1e60, "sigma: 1e.60 is infinite")]
)
def test_a_strength_that_is_no_number_of_the_weights_is_a_mistake(sigma, message):
    with pytest.raises(ConfigError, match=message):
        GaussianSeed(sigma=sigma).bind(bound())


def test_it_needs_inputs_and_outputs():
    with pytest.raises(ConfigError, match="inputs and outputs"):
        SeedChain().bind(Task())


def test_a_checkpoint_of_two_thousand_takes_little():
    """After a hundred mutations; relatives share most of their chains. In a file it takes what it takes in memory."""
    mutation = GaussianSeed()
    parents = bound().sample(40, Rng(1))
    for generation in range(100):
        parents = [mutation(parents[row // 2], Rng(generation).child(row)) for row in range(40)]
    children = [mutation(parents[row % 40], Rng(2).child(row)) for row in range(2000)]
    members = Members(children, torch.arange(2000), torch.full((2000, 2), -1), torch.zeros(2000))
    file = io.BytesIO()
    torch.save(compact(members.state_dict()), file)
    assert file.tell() < 2 * 2**20
